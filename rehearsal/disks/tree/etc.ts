/** /etc and the top-level layout of an Amazon Linux 2023 root volume, as deployed. */
import { directory, type Entry, file, symlink } from "./entry";
import { story, users } from "./story";
import { volumes } from "../layout";

const built = { modified: story.imageBuilt };
const deployed = { modified: story.deployed };

/** /etc/passwd as it was before the intrusion; the account artefact appends to it. */
export const passwdLines: readonly string[] = users.map(
    (user) => `${user.name}:x:${user.uid}:${user.gid}:${user.comment}:${user.home}:${user.shell}`,
);
/** /etc/shadow before the intrusion. No hash in it can be guessed: they are text of the right shape. */
export const shadowLines: readonly string[] = users.map(
    (user) =>
        `${user.name}:${user.name === "deploy" ? "$6$rehearsal$notahashofanypassword" : user.uid === 0 ? "*LOCK*" : "!!"}:20728:0:99999:7:::`,
);

const groups = users.map((user) => `${user.name}:x:${user.gid}:`).concat(["wheel:x:10:ec2-user,deploy", "adm:x:4:ec2-user"]);

const topLevel: readonly Entry[] = [
    ...["bin", "sbin", "lib", "lib64"].map((name) => symlink(`/${name}`, `usr/${name}`, built)),
    ...[
        "boot",
        "dev",
        "home",
        "media",
        "mnt",
        "opt",
        "proc",
        "run",
        "srv",
        "sys",
        "usr/local/bin",
        "usr/local/lib",
        "usr/local/share",
        "var/lib/rpm-state",
        "var/spool/mail",
        "var/empty",
        "var/cache/dnf",
    ].map((name) => directory(`/${name}`, built)),
    directory("/root", { ...built, mode: 0o550 }),
    directory("/tmp", { ...deployed, mode: 0o1777 }),
    directory("/var/tmp", { ...deployed, mode: 0o1777 }),
    symlink("/var/run", "../run", built),
];

const identity: readonly Entry[] = [
    symlink("/etc/os-release", "../usr/lib/os-release", built),
    file(
        "/usr/lib/os-release",
        [
            'NAME="Amazon Linux"',
            'VERSION="2023"',
            'ID="amzn"',
            'ID_LIKE="fedora"',
            'VERSION_ID="2023"',
            'PLATFORM_ID="platform:al2023"',
            'PRETTY_NAME="Amazon Linux 2023.8.20260915"',
            'CPE_NAME="cpe:2.3:o:amazon:amazon_linux:2023"',
            'VENDOR_NAME="AWS"',
            'SUPPORT_END="2029-06-30"',
        ],
        built,
    ),
    file("/usr/lib/system-release", ["Amazon Linux release 2023.8.20260915 (Amazon Linux)"], built),
    symlink("/etc/system-release", "../usr/lib/system-release", built),
    file("/etc/hostname", [story.hostname], deployed),
    file("/etc/hosts", ["127.0.0.1   localhost localhost.localdomain", "::1         localhost6 localhost6.localdomain6"], built),
    file("/etc/machine-id", ["ec2f3a5c9b1d4e0f8a7b6c5d4e3f2a1b"], deployed),
    symlink("/etc/localtime", "../usr/share/zoneinfo/UTC", built),
    file("/etc/resolv.conf", ["nameserver 10.20.0.2", "search eu-west-1.compute.internal"], deployed),
    file(
        "/etc/fstab",
        [
            `UUID=${volumes.root.uuid}     /           xfs    defaults,noatime  1   1`,
            `UUID=${volumes.efiVolumeId}        /boot/efi       vfat    defaults,noatime,uid=0,gid=0,umask=0077,shortname=winnt,x-systemd.automount 0 2`,
            `UUID=${volumes.data.uuid}     /srv        ext4   defaults,noatime,nofail  0   2`,
        ],
        deployed,
    ),
];

const accounts: readonly Entry[] = [
    file("/etc/passwd", passwdLines, deployed),
    file("/etc/shadow", shadowLines, { ...deployed, mode: 0 }),
    file("/etc/group", groups, deployed),
    file(
        "/etc/gshadow",
        groups.map((line) => line.replace(/^([^:]+):x:\d+:(.*)$/, "$1:!::$2")),
        { ...deployed, mode: 0 },
    ),
    file(
        "/etc/sudoers",
        [
            "Defaults    secure_path = /sbin:/bin:/usr/sbin:/usr/bin",
            "root    ALL=(ALL)       ALL",
            "%wheel  ALL=(ALL)       ALL",
            "#includedir /etc/sudoers.d",
        ],
        { ...built, mode: 0o440 },
    ),
    file(
        "/etc/sudoers.d/90-cloud-init-users",
        ["ec2-user ALL=(ALL) NOPASSWD:ALL", "deploy ALL=(ALL) NOPASSWD:/usr/bin/systemctl restart httpd"],
        { ...deployed, mode: 0o440 },
    ),
    file("/etc/login.defs", ["MAIL_DIR /var/spool/mail", "UMASK 022", "HOME_MODE 0700", "ENCRYPT_METHOD SHA512"], built),
    file("/etc/shells", ["/bin/sh", "/bin/bash", "/usr/bin/sh", "/usr/bin/bash"], built),
];

const services: readonly Entry[] = [
    file(
        "/etc/ssh/sshd_config",
        [
            "Include /etc/ssh/sshd_config.d/*.conf",
            "AuthorizedKeysFile .ssh/authorized_keys",
            "SyslogFacility AUTHPRIV",
            "UsePAM yes",
            "X11Forwarding no",
            "Subsystem sftp /usr/libexec/openssh/sftp-server",
        ],
        { ...built, mode: 0o600 },
    ),
    file(
        "/etc/ssh/sshd_config.d/60-release-account.conf",
        ["# Release tooling cannot use keys yet, see OPS-2211", "Match User deploy", "    PasswordAuthentication yes"],
        { ...deployed, mode: 0o600 },
    ),
    file("/etc/crontab", ["SHELL=/bin/bash", "PATH=/sbin:/bin:/usr/sbin:/usr/bin", "MAILTO=root"], built),
    file(
        "/etc/cron.d/0hourly",
        ["SHELL=/bin/bash", "PATH=/sbin:/bin:/usr/sbin:/usr/bin", "MAILTO=root", "01 * * * * root run-parts /etc/cron.hourly"],
        built,
    ),
    file(
        "/etc/cron.d/orders-backup",
        ["30 2 * * * mysql /usr/bin/mysqldump --single-transaction orders | gzip > /srv/backup/orders-$(date +\\%F).sql.gz"],
        deployed,
    ),
    file("/etc/cron.hourly/0anacron", ["#!/bin/sh", "test -r /var/spool/anacron/cron.daily && exit 0", "/usr/sbin/anacron -s"], {
        ...built,
        mode: 0o755,
    }),
    file("/etc/cron.daily/logrotate", ["#!/bin/sh", "/usr/sbin/logrotate /etc/logrotate.conf"], { ...built, mode: 0o755 }),
    file(
        "/etc/anacrontab",
        ["SHELL=/bin/sh", "1 5 cron.daily nice run-parts /etc/cron.daily", "7 25 cron.weekly nice run-parts /etc/cron.weekly"],
        built,
    ),
    file("/etc/logrotate.conf", ["weekly", "rotate 4", "create", "dateext", "include /etc/logrotate.d"], built),
    file("/etc/rc.d/rc.local", ["#!/bin/bash", "touch /var/lock/subsys/local"], built),
    symlink("/etc/rc.local", "rc.d/rc.local", built),
    file(
        "/etc/profile",
        [
            "# System wide environment and startup programs",
            "for script in /etc/profile.d/*.sh; do",
            '    [ -r "$script" ] && . "$script"',
            "done",
        ],
        built,
    ),
    file("/etc/bashrc", ["# System wide functions and aliases", "[ \"$PS1\" ] && PS1='[\\u@\\h \\W]\\$ '"], built),
    file("/etc/profile.d/lang.sh", ['[ -z "$LANG" ] && export LANG=C.UTF-8'], built),
    file("/etc/profile.d/which2.sh", ["alias which='alias | /usr/bin/which --tty-only --read-alias --show-tilde'"], built),
    file("/etc/ld.so.conf", ["include ld.so.conf.d/*.conf"], built),
    file("/etc/ld.so.conf.d/mariadb-x86_64.conf", ["/usr/lib64/mariadb"], deployed),
    file(
        "/etc/httpd/conf/httpd.conf",
        [
            'ServerRoot "/etc/httpd"',
            "Listen 80",
            "User apache",
            "Group apache",
            'DocumentRoot "/srv/www/html"',
            'ErrorLog "logs/error_log"',
            'CustomLog "logs/access_log" combined',
        ],
        deployed,
    ),
    file("/etc/php.ini", ["[PHP]", "expose_php = Off", "file_uploads = On", "upload_max_filesize = 8M"], deployed),
    file("/etc/chrony.conf", ["server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4", "driftfile /var/lib/chrony/drift"], built),
    file("/etc/systemd/journald.conf", ["[Journal]", "Storage=persistent"], deployed),
    // Amazon Linux keeps /tmp in memory; this operator turned that off, so that what the attacker left in it is on the disk.
    symlink("/etc/systemd/system/tmp.mount", "/dev/null", deployed),
    ...["httpd", "mariadb", "sshd", "crond", "chronyd", "amazon-ssm-agent", "rsyslog"].map((unit) =>
        symlink(`/etc/systemd/system/multi-user.target.wants/${unit}.service`, `/usr/lib/systemd/system/${unit}.service`, deployed),
    ),
];

/** Everything in /etc and the top-level directories, before the intrusion. */
export const etcTree: readonly Entry[] = [...topLevel, ...identity, ...accounts, ...services];
