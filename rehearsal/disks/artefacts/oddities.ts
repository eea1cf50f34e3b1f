/** Inodes that must not break an analysis, and files that are deleted again. None of them is a finding. */
import { file, symlink } from "../tree/entry";
import { filler } from "../tree/inert";
import { story, thatNight } from "../tree/story";
import { type DeletedFile, type Oddity } from "./artefact";

const owner = { mode: 0o644, uid: 0, gid: 0 };
const deployed = { modified: story.deployed };
const deepDirectory = `/var/cache/deep/${Array.from({ length: 40 }, (_, level) => `level-${level}`).join("/")}`;

export const oddities: readonly Oddity[] = [
    {
        id: "link-out-of-the-tree",
        volume: "root",
        entry: symlink("/var/tmp/outside", "../../../../../../../../etc/shadow", deployed),
        note: "Followed naively it reads the analysing machine's own file.",
    },
    {
        id: "link-to-root",
        volume: "root",
        entry: symlink("/opt/everything", "/", deployed),
        note: "A link to the root directory: following it walks for ever.",
    },
    { id: "link-loop", volume: "root", entry: symlink("/opt/loop", "loop", deployed), note: "A link to itself (ELOOP)." },
    {
        id: "link-as-cron-file",
        volume: "root",
        entry: symlink("/etc/cron.d/linked", "/proc/self/environ", deployed),
        note: "A link where a parser expects a file; its target would be the analyser's own.",
    },
    {
        id: "fifo",
        volume: "root",
        entry: { kind: "fifo", path: "/etc/cron.d/pipe", ...owner, ...deployed },
        note: "Opening it for reading blocks for ever.",
    },
    {
        id: "fifo-uploads",
        volume: "data",
        entry: { kind: "fifo", path: "/www/html/uploads/pipe.php", ...owner, ...deployed },
        note: "The same in the web root.",
    },
    {
        id: "name-not-utf8",
        volume: "root",
        entry: file("/opt/caf\udce9-r\udce9sum\udce9.txt", ["latin-1 name"], deployed),
        note: "A name in Latin-1.",
    },
    {
        id: "name-right-to-left",
        volume: "root",
        entry: file("/opt/invoice-\u202efdp.sh", ["a name that shows as invoice-hs.pdf"], deployed),
        note: "A right-to-left override in a name.",
    },
    {
        id: "name-formula",
        volume: "root",
        entry: file("/opt/=SUM(1+1)*cmd|' C'!A0", ["a spreadsheet formula as a name"], deployed),
        note: "A spreadsheet must not evaluate it.",
    },
    {
        id: "name-longest",
        volume: "root",
        entry: file(`/opt/${"n".repeat(255)}`, ["255 bytes"], deployed),
        note: "The longest name a file system takes.",
    },
    {
        id: "deep-directory",
        volume: "root",
        entry: file(`${deepDirectory}/bottom.txt`, ["forty levels down"], deployed),
        note: "Forty directories deep.",
    },
    {
        id: "hard-link",
        volume: "root",
        entry: { kind: "hardlink", path: "/opt/os-release.link", target: "/usr/lib/os-release", ...owner, modified: story.imageBuilt },
        note: "A second name of one inode.",
    },
    {
        id: "sparse-file",
        volume: "root",
        entry: {
            kind: "file",
            path: "/var/log/lastlog.old",
            content: Buffer.from("sparse"),
            sparseBytes: 256 * 1024 * 1024,
            ...owner,
            ...deployed,
        },
        note: "256 MiB apparent, one block allocated.",
    },
    {
        id: "line-without-end",
        volume: "root",
        entry: file("/home/ec2-user/.python_history", "A".repeat(1024 * 1024), { ...deployed, uid: 1000, gid: 1000, mode: 0o600 }),
        note: "One line of a mebibyte.",
    },
    {
        id: "future-time",
        volume: "data",
        entry: file("/backup/clock.txt", ["written by a machine with a wrong clock"], {
            modified: "2038-01-19T03:14:08Z",
            uid: 27,
            gid: 27,
        }),
        note: "A time after the end of 32-bit seconds.",
    },
    {
        id: "epoch-time",
        volume: "data",
        entry: file("/backup/epoch.txt", ["no time"], { modified: "1970-01-01T00:00:00Z", uid: 27, gid: 27 }),
        note: "A time of zero.",
    },
];

/** The marker at the start of each of eight blocks: later files may take over some of the freed ones, as on a running instance. */
const markedBlocks = (marker: string): Buffer =>
    Buffer.concat(
        Array.from({ length: 8 }, (_, block) =>
            Buffer.concat([Buffer.from(`${marker}\n`), filler(`${marker}:${block}`, 4096)]).subarray(0, 4096),
        ),
    );

export const deletedFiles: readonly DeletedFile[] = [
    {
        id: "deleted-archive",
        volume: "root",
        marker: "rehearsal-deleted-archive-of-orders",
        note: "The exfiltrated archive, deleted by the intruder.",
        entry: {
            kind: "file",
            path: "/root/.x/orders.tgz",
            content: markedBlocks("rehearsal-deleted-archive-of-orders"),
            ...owner,
            modified: thatNight("04:10:00"),
        },
    },
    {
        id: "deleted-dropper",
        volume: "data",
        marker: "rehearsal-deleted-dropper-script",
        note: "The uploaded dropper, deleted after use.",
        entry: {
            kind: "file",
            path: "/www/html/uploads/drop.sh",
            content: markedBlocks("rehearsal-deleted-dropper-script"),
            ...owner,
            modified: thatNight("04:02:10"),
        },
    },
];
