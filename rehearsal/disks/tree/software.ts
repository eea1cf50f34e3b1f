/** /usr: packages, units, Python, time zones and kernel modules. The bulk of the tree, small and harmless. */
import { type Entry, file, symlink } from "./entry";
import { inertElf } from "./inert";
import { story } from "./story";

const built = { modified: story.imageBuilt };

/** name, version, commands. Each package brings its commands, a library, its documents and its translations. */
const packages: readonly (readonly [string, string, string])[] = [
    ["bash", "5.2.15", "bash"],
    ["coreutils", "8.32", "cat chmod chown cp date dd df du echo env head id ln ls mkdir mv rm sort stat tail touch uname wc who"],
    ["util-linux", "2.37.4", "mount umount lsblk findmnt su more dmesg logger"],
    ["systemd", "252.23", "systemctl journalctl loginctl networkctl hostnamectl"],
    ["openssh", "8.7p1", "ssh scp sftp ssh-keygen ssh-add"],
    ["curl", "8.11.1", "curl"],
    ["wget", "1.21.3", "wget"],
    ["tar", "1.34", "tar"],
    ["gzip", "1.12", "gzip gunzip zcat"],
    ["xz", "5.2.5", "xz unxz"],
    ["grep", "3.8", "grep egrep fgrep"],
    ["sed", "4.8", "sed"],
    ["gawk", "5.1.0", "gawk awk"],
    ["findutils", "4.8.0", "find xargs"],
    ["sudo", "1.9.15", "sudo sudoedit visudo"],
    ["shadow-utils", "4.9", "chage gpasswd newgrp passwd useradd usermod"],
    ["procps-ng", "3.3.17", "ps top kill pgrep uptime free vmstat"],
    ["iproute", "6.10.0", "ip ss bridge"],
    ["iputils", "20210202", "ping tracepath"],
    ["httpd", "2.4.65", "httpd apachectl htpasswd ab"],
    ["php8.2", "8.2.29", "php php-fpm"],
    ["mariadb105", "10.5.29", "mysql mysqldump mysqld_safe"],
    ["python3", "3.9.23", "python3 python3.9 pydoc3"],
    ["dnf", "4.14.0", "dnf yum"],
    ["rpm", "4.16.1.3", "rpm rpmkeys rpmquery"],
    ["less", "608", "less"],
    ["vim-minimal", "9.1.825", "vi"],
    ["cronie", "1.5.7", "crontab crond anacron"],
    ["at", "3.1.23", "at atd atq"],
    ["audit", "3.0.6", "auditctl ausearch"],
    ["amazon-ssm-agent", "3.3.2299", "amazon-ssm-agent ssm-cli"],
    ["cloud-init", "22.2.2", "cloud-init cloud-id"],
    ["chrony", "4.3", "chronyc chronyd"],
    ["rsyslog", "8.2204.0", "rsyslogd"],
    ["openssl", "3.2.2", "openssl"],
    ["ca-certificates", "2024.2.68", "update-ca-trust"],
    ["kmod", "29", "kmod lsmod modprobe"],
    ["e2fsprogs", "1.46.5", "e2fsck resize2fs"],
    ["xfsprogs", "5.18.0", "xfs_growfs xfs_info"],
    ["polkit", "125", "pkexec pkcheck"],
    ["zlib", "1.2.11", "minigzip"],
];
/** The programs that carry set-user-id on a fresh Amazon Linux 2023. */
const setUserId = new Set(["su", "mount", "umount", "sudo", "chage", "gpasswd", "newgrp", "passwd", "pkexec", "at", "crontab"]);
const systemPrograms = new Set([
    "httpd",
    "php-fpm",
    "useradd",
    "usermod",
    "crond",
    "atd",
    "auditctl",
    "chronyd",
    "rsyslogd",
    "e2fsck",
    "resize2fs",
    "modprobe",
]);
const languages = ["ca", "cs", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt_BR", "ru", "sv", "uk", "zh_CN"];

/** Content of a legitimate program: the set-user-id artefact is a byte-for-byte copy of one. */
export const programContent = (name: string): Buffer => inertElf(name, [`${name} for the rehearsal's disk`], 1536);

function packageTree([name, version, commands]: readonly [string, string, string]): readonly Entry[] {
    return [
        ...commands.split(" ").map((command) =>
            file(`/usr/${systemPrograms.has(command) ? "sbin" : "bin"}/${command}`, programContent(command), {
                ...built,
                mode: setUserId.has(command) ? 0o4755 : 0o755,
            }),
        ),
        file(`/usr/lib64/lib${name}.so.${version}`, inertElf(`lib${name}`, [], 2048), { ...built, mode: 0o755 }),
        symlink(`/usr/lib64/lib${name}.so`, `lib${name}.so.${version}`, built),
        file(
            `/usr/share/doc/${name}/README`,
            [`${name} ${version}`, "", `This is the documentation of ${name} on the rehearsal's disk.`],
            built,
        ),
        file(`/usr/share/doc/${name}/NEWS`, [`Changes in ${version}:`, "- Bug fixes."], built),
        file(`/usr/share/doc/${name}/AUTHORS`, [`The ${name} developers.`], built),
        file(`/usr/share/licenses/${name}/COPYING`, [`${name} is free software. See the distribution for its terms.`], built),
        ...commands
            .split(" ")
            .map((command) =>
                file(
                    `/usr/share/man/man1/${command}.1`,
                    [`.TH ${command.toUpperCase()} 1`, ".SH NAME", `${command} \\- a command of ${name}`],
                    built,
                ),
            ),
        ...languages.map((language) =>
            file(
                `/usr/share/locale/${language}/LC_MESSAGES/${name}.mo`,
                Buffer.from(`\xde\x12\x04\x95${language}:${name}`, "latin1"),
                built,
            ),
        ),
    ];
}

const units: readonly (readonly [string, string, string])[] = [
    ["httpd", "The Apache HTTP Server", "/usr/sbin/httpd $OPTIONS -DFOREGROUND"],
    ["mariadb", "MariaDB 10.5 database server", "/usr/libexec/mariadbd --basedir=/usr"],
    ["sshd", "OpenSSH server daemon", "/usr/sbin/sshd -D $OPTIONS"],
    ["crond", "Command Scheduler", "/usr/sbin/crond -n $CRONDARGS"],
    ["chronyd", "NTP client/server", "/usr/sbin/chronyd $OPTIONS"],
    ["amazon-ssm-agent", "amazon-ssm-agent", "/usr/bin/amazon-ssm-agent"],
    ["rsyslog", "System Logging Service", "/usr/sbin/rsyslogd -n"],
    ["auditd", "Security Auditing Service", "/sbin/auditd"],
    ["atd", "Deferred execution scheduler", "/usr/sbin/atd -f"],
    ["php-fpm", "The PHP FastCGI Process Manager", "/usr/sbin/php-fpm --nodaemonize"],
    ["systemd-journald", "Journal Service", "/usr/lib/systemd/systemd-journald"],
    ["systemd-networkd", "Network Configuration", "!!/usr/lib/systemd/systemd-networkd"],
    ["systemd-logind", "User Login Management", "/usr/lib/systemd/systemd-logind"],
    ["systemd-udevd", "Rule-based Manager for Device Events", "/usr/lib/systemd/systemd-udevd"],
    ["cloud-init", "Initial cloud-init job", "/usr/bin/cloud-init init"],
    ["cloud-final", "Execute cloud user/final scripts", "/usr/bin/cloud-init modules --mode=final"],
    ["rc-local", "/etc/rc.d/rc.local Compatibility", "/etc/rc.d/rc.local start"],
    ["getty@", "Getty on %I", "-/sbin/agetty -o '-p -- \\\\u' --noclear - $TERM"],
    ["logrotate", "Rotate log files", "/usr/sbin/logrotate /etc/logrotate.conf"],
];

const pythonModules = (
    "abc argparse ast asyncore base64 bdb bisect bz2 calendar cgi cmd code codecs colorsys compileall configparser contextlib copy copyreg csv dataclasses datetime " +
    "decimal difflib dis doctest enum filecmp fileinput fnmatch fractions ftplib functools genericpath getopt getpass gettext glob graphlib gzip hashlib heapq hmac imaplib imghdr inspect io " +
    "ipaddress keyword linecache locale lzma mailbox mimetypes netrc ntpath numbers opcode operator optparse os pathlib pdb pickle pipes pkgutil platform plistlib poplib posixpath pprint " +
    "profile pstats pty pyclbr queue quopri random re reprlib rlcompleter runpy sched secrets selectors shelve shlex shutil signal site smtplib socket socketserver ssl stat statistics string " +
    "struct subprocess symtable sysconfig tabnanny tarfile telnetlib tempfile textwrap threading timeit token tokenize trace traceback tracemalloc tty types typing uuid venv warnings wave weakref zipfile"
).split(" ");
const zones = (
    "Africa/Cairo Africa/Lagos America/Bogota America/Chicago America/Denver America/Los_Angeles America/New_York America/Sao_Paulo Asia/Dubai Asia/Kolkata Asia/Seoul Asia/Shanghai " +
    "Asia/Singapore Asia/Tokyo Australia/Sydney Europe/Berlin Europe/Dublin Europe/London Europe/Madrid Europe/Paris Europe/Rome Europe/Zurich Pacific/Auckland UTC"
).split(" ");
const kernel = "6.1.150-174.273.amzn2023.x86_64";
const kernelModules = (
    "drivers/net/ethernet/amazon/ena/ena drivers/nvme/host/nvme drivers/nvme/host/nvme-core fs/xfs/xfs fs/ext4/ext4 fs/fat/vfat fs/overlayfs/overlay net/ipv4/netfilter/ip_tables " +
    "net/netfilter/nf_tables net/netfilter/nf_conntrack crypto/aes_generic crypto/sha512_generic lib/crc32c lib/libcrc32c drivers/block/loop drivers/char/hw_random/virtio-rng"
).split(" ");

/** Everything under /usr, before the intrusion. */
export const softwareTree: readonly Entry[] = [
    ...packages.flatMap(packageTree),
    file("/usr/sbin/sshd", programContent("sshd"), { ...built, mode: 0o755 }),
    ...units.map(([name, description, command]) =>
        file(
            `/usr/lib/systemd/system/${name}.service`,
            [
                "[Unit]",
                `Description=${description}`,
                "After=network.target",
                "",
                "[Service]",
                `ExecStart=${command}`,
                "Restart=on-failure",
                "",
                "[Install]",
                "WantedBy=multi-user.target",
            ],
            built,
        ),
    ),
    file(
        "/usr/lib/systemd/system/logrotate.timer",
        [
            "[Unit]",
            "Description=Daily rotation of log files",
            "",
            "[Timer]",
            "OnCalendar=daily",
            "Persistent=true",
            "",
            "[Install]",
            "WantedBy=timers.target",
        ],
        built,
    ),
    file("/usr/lib/systemd/system/multi-user.target", ["[Unit]", "Description=Multi-User System", "Requires=basic.target"], built),
    ...pythonModules.map((name) =>
        file(`/usr/lib64/python3.9/${name}.py`, [`"""The ${name} module on the rehearsal's disk."""`, "", `__all__ = ["${name}"]`], built),
    ),
    ...zones.map((zone) => file(`/usr/share/zoneinfo/${zone}`, Buffer.from(`TZif2${"\0".repeat(39)}\nUTC0\n`, "latin1"), built)),
    ...kernelModules.map((name) =>
        file(
            `/usr/lib/modules/${kernel}/kernel/${name}.ko`,
            inertElf(`${name}.ko`, [`vermagic=${kernel} SMP preempt mod_unload modversions`], 3072),
            built,
        ),
    ),
    file(
        `/usr/lib/modules/${kernel}/modules.dep`,
        kernelModules.map((name) => `kernel/${name}.ko:`),
        built,
    ),
    file(`/boot/vmlinuz-${kernel}`, inertElf("vmlinuz", [kernel], 65536), { ...built, mode: 0o755 }),
    file(`/boot/config-${kernel}`, ["CONFIG_XFS_FS=m", "CONFIG_EXT4_FS=m", "CONFIG_MODULE_SIG=y"], built),
    file("/boot/grub2/grub.cfg", ["set timeout=0", `linux /boot/vmlinuz-${kernel} root=LABEL=/ ro console=ttyS0`], {
        ...built,
        mode: 0o600,
    }),
    file(
        "/usr/local/bin/release.sh",
        [
            "#!/bin/bash",
            "# Puts a release of the orders application in place.",
            "set -euo pipefail",
            'rsync -a --delete "/home/deploy/releases/$1/" /srv/www/html/',
            "sudo systemctl restart httpd",
        ],
        { modified: story.deployed, mode: 0o755 },
    ),
];

/** One line an installed package, for the package manager's log. */
export const installedPackages: readonly string[] = packages.map(([name, version]) => `${name}-${version}-1.amzn2023.x86_64`);
