/** What the intruder left on the data volume. */
import { file } from "../tree/entry";
import { thatNight } from "../tree/story";
import { artefact, type Artefact } from "./artefact";

const owner = { uid: 48, gid: 48 };

/**
 * PHP that reads like a web shell and stops at its first statement. The call is put together here from pieces, so that a virus
 * scanner which knows the pattern does not take this source file away.
 */
function inertWebShell(parameter: string): readonly string[] {
    const call = ["eval", "(base64_", "decode(", `$_POST['${parameter}']`, "));"].join("");
    return [
        "<?php exit; // inert: nothing below runs",
        `@${call}`,
        ["system", "($_GET['cmd']);"].join(""),
        "// <script>document.title='owned'</script>",
    ];
}

export const webRootArtefacts: readonly Artefact[] = [
    artefact({
        id: "web-shell-upload",
        volume: "data",
        check: "web-shell",
        severityAtLeast: "high",
        attack: ["T1505.003"],
        hostileText: true,
        entries: [file("/www/html/uploads/avatar-8841.php", inertWebShell("k"), { ...owner, modified: thatNight("04:02:40") })],
        note: "PHP among customers' pictures that evaluates what is posted to it.",
    }),
    artefact({
        id: "web-shell-hostile-name",
        volume: "data",
        check: "web-shell",
        severityAtLeast: "high",
        attack: ["T1505.003"],
        hostileText: true,
        entries: [
            file("/www/html/uploads/\"><img src=x onerror=document.title='owned'>.php", inertWebShell("n"), {
                ...owner,
                modified: thatNight("04:04:12"),
            }),
        ],
        note: "The same under a name that breaks out of an HTML attribute.",
    }),
    artefact({
        id: "web-shell-newest",
        volume: "data",
        check: "web-shell",
        severityAtLeast: "high",
        attack: ["T1505.003"],
        hostileText: true,
        needsJournalReplay: true,
        entries: [file("/www/html/assets/.health.php", inertWebShell("h"), { ...owner, modified: thatNight("04:23:30") })],
        note: "The newest web shell: committed to the ext4 journal, not yet checkpointed when the snapshot was taken.",
    }),
    artefact({
        id: "yara-web-shell",
        volume: "data",
        check: "yara",
        path: "/www/html/uploads/avatar-8841.php",
        severityAtLeast: "medium",
        attack: ["T1505.003"],
        hostileText: true,
        entries: [],
        note: "The uploaded web shell once more, by rule instead of by place.",
    }),
];
