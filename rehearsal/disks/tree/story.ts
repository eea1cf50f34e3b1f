/**
 * The story the victim's disks tell. An Amazon Linux 2023 web server, deployed in October; in November somebody guesses the
 * password of an account, becomes root, mines and stays. Addresses are from the documentation ranges of RFC 5737, so nothing
 * on the disks points at a real host.
 */
export const story = {
    /** The AMI was made. */
    imageBuilt: "2026-09-18T21:40:12Z",
    /** The instance was launched and configured. */
    deployed: "2026-10-02T09:14:31Z",
    /** Ordinary use: last release of the web application. */
    lastRelease: "2026-11-12T14:02:55Z",
    /** First failed log-in of the attacker. */
    intrusion: "2026-11-20T03:11:07Z",
    hostname: "ip-10-20-1-47.eu-west-1.compute.internal",
    address: "10.20.1.47",
    instanceId: "i-0c1ea2f00dca5e003",
    attacker: "203.0.113.66",
    commandAndControl: "198.51.100.23",
    administrator: "192.0.2.10",
} as const;

/** A time of the night of the intrusion. @param clock hh:mm:ss in UTC, such as "03:18:40" */
export const thatNight = (clock: string): string => `2026-11-20T${clock}Z`;

/** Users of the machine before the intrusion, as in /etc/passwd. */
export const users = [
    { name: "root", uid: 0, gid: 0, comment: "root", home: "/root", shell: "/bin/bash" },
    { name: "bin", uid: 1, gid: 1, comment: "bin", home: "/bin", shell: "/sbin/nologin" },
    { name: "daemon", uid: 2, gid: 2, comment: "daemon", home: "/sbin", shell: "/sbin/nologin" },
    { name: "mail", uid: 8, gid: 12, comment: "mail", home: "/var/spool/mail", shell: "/sbin/nologin" },
    { name: "nobody", uid: 65534, gid: 65534, comment: "Kernel Overflow User", home: "/", shell: "/sbin/nologin" },
    { name: "systemd-network", uid: 192, gid: 192, comment: "systemd Network Management", home: "/", shell: "/usr/sbin/nologin" },
    { name: "dbus", uid: 81, gid: 81, comment: "System Message Bus", home: "/", shell: "/usr/sbin/nologin" },
    { name: "sshd", uid: 74, gid: 74, comment: "Privilege-separated SSH", home: "/usr/share/empty.sshd", shell: "/sbin/nologin" },
    { name: "chrony", uid: 993, gid: 990, comment: "chrony system user", home: "/var/lib/chrony", shell: "/sbin/nologin" },
    { name: "ec2-instance-connect", uid: 992, gid: 989, comment: "", home: "/home/ec2-instance-connect", shell: "/sbin/nologin" },
    { name: "apache", uid: 48, gid: 48, comment: "Apache", home: "/usr/share/httpd", shell: "/sbin/nologin" },
    { name: "mysql", uid: 27, gid: 27, comment: "MySQL Server", home: "/var/lib/mysql", shell: "/sbin/nologin" },
    { name: "ec2-user", uid: 1000, gid: 1000, comment: "EC2 Default User", home: "/home/ec2-user", shell: "/bin/bash" },
    { name: "deploy", uid: 1001, gid: 1001, comment: "Release account", home: "/home/deploy", shell: "/bin/bash" },
] as const;
