/** Home directories before the intrusion. */
import { directory, type Entry, file } from "./entry";
import { orphanPublicKey } from "./inert";
import { story } from "./story";

const deployed = { modified: story.deployed };

/** The operator's own key, in root's and ec2-user's authorized_keys since deployment. */
export const operatorKey = orphanPublicKey("operations@example.com");
/** cloud-init's usual line for root: the key may only be told to use ec2-user. */
export const rootKeyLine = `no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command="echo 'Please login as the user \\"ec2-user\\"'" ${operatorKey}`;

function home(user: string, uid: number, history: readonly string[]): readonly Entry[] {
    const owner = { ...deployed, uid, gid: uid };
    return [
        directory(`/home/${user}`, { ...owner, mode: 0o700 }),
        directory(`/home/${user}/.ssh`, { ...owner, mode: 0o700 }),
        file(`/home/${user}/.ssh/authorized_keys`, [operatorKey], { ...owner, mode: 0o600 }),
        file(`/home/${user}/.bashrc`, ["[ -f /etc/bashrc ] && . /etc/bashrc"], owner),
        file(`/home/${user}/.bash_profile`, ["[ -f ~/.bashrc ] && . ~/.bashrc"], owner),
        file(`/home/${user}/.bash_logout`, ["# ~/.bash_logout"], owner),
        file(`/home/${user}/.bash_history`, history, { ...owner, modified: story.lastRelease, mode: 0o600 }),
    ];
}

export const homeTree: readonly Entry[] = [
    ...home("ec2-user", 1000, [
        "sudo systemctl status httpd",
        "df -h",
        "sudo dnf check-update",
        "sudo tail -100 /var/log/httpd/error_log",
        "exit",
    ]),
    ...home("deploy", 1001, [
        "cd releases",
        "tar xf orders-1.14.2.tar.gz",
        "/usr/local/bin/release.sh 1.14.2",
        "curl -s http://localhost/health",
    ]),
    ...["1.14.0", "1.14.1", "1.14.2"].map((version) =>
        file(`/home/deploy/releases/${version}/VERSION`, [version], { modified: story.lastRelease, uid: 1001, gid: 1001 }),
    ),
    directory("/root/.ssh", { ...deployed, mode: 0o700 }),
    file("/root/.ssh/authorized_keys", [rootKeyLine], { ...deployed, mode: 0o600 }),
    file("/root/.bashrc", ["[ -f /etc/bashrc ] && . /etc/bashrc", "alias rm='rm -i'"], deployed),
    file("/root/.bash_profile", ["[ -f ~/.bashrc ] && . ~/.bashrc"], deployed),
];
