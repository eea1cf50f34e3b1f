/** The first section: whether the analysis is complete and the evidence intact, with what was looked at in figures. */
import { clip } from "../visibleText";
import { withoutJournal, type Assessment, type ReportInput } from "./assessment";
import { bytes, count } from "./format";
import { html, type Html } from "./html";
import { neverLookedAtWords } from "./neverLookedAt";
import { bullets, code, table } from "./table";

/** Reasons shown, and characters of each: a hostile summary may bring any number and length. */
const most = { reasons: 12, reasonText: 400 } as const;

function status(question: string, good: boolean, reasons: readonly string[], whenGood: string): Html {
    return html`<div class="status ${good ? "good" : "bad"}">
<h3>${question} <strong>${good ? "Yes" : "No"}</strong></h3>
${good ? html`<p>${whenGood}</p>` : bullets(reasons.slice(0, most.reasons).map((reason) => clip(reason, most.reasonText)))}
${reasons.length > most.reasons ? html`<p>${count(reasons.length - most.reasons, "more reason")}.</p>` : null}
</div>`;
}

function journalBanner({ unreplayed }: Assessment): Html | null {
    if (unreplayed.length === 0) return null;
    return html`<div class="banner" role="note">
<h3>Journal not replayed: the newest files may be missing</h3>
<p>A snapshot of a running instance holds its latest changes in the file system’s journal alone. On the file systems below
the journal was not applied, so files and changes of the last seconds to minutes before the snapshot may not appear in
this report.</p>
${bullets(unreplayed.map(({ volumeId, type, label, reason }) => html`${code(volumeId)} ${type}${label ? html` “${label}”` : null}${reason ? html`: ${reason}` : null}`))}
</div>`;
}

function lookedAtFigures({ lookedAt }: Assessment, total: { volumes: number; objects: number }): Html {
    const figures: readonly (readonly [number: string, noun: string])[] = [
        [`${lookedAt.volumes} of ${total.volumes}`, "volumes read"],
        [lookedAt.fileSystems.toLocaleString("en-GB"), lookedAt.fileSystems === 1 ? "file system" : "file systems"],
        [lookedAt.files.toLocaleString("en-GB"), lookedAt.files === 1 ? "file" : "files"],
        [lookedAt.checks.toLocaleString("en-GB"), lookedAt.checks === 1 ? "check" : "checks"],
        [`${lookedAt.hashedVolumes} of ${total.volumes}`, "volumes hashed and not changed"],
        [`${lookedAt.objects} of ${total.objects}`, "outputs match the manifest"],
    ];
    return html`<ul class="figures">${figures.map(([number, noun]) => html`<li><strong>${number}</strong> ${noun}</li>`)}</ul>`;
}

const methods = { "kernel-mount": "mounted read-only", dissect: "raw image read", none: "not read" } as const;

function fileSystemTable({ summary }: ReportInput): Html | null {
    if (!summary) return null;
    const rows = summary.volumes.flatMap((volume) =>
        volume.fileSystems.map((fileSystem) => [
            code(volume.volumeId),
            html`${fileSystem.type}${fileSystem.label ? html` “${fileSystem.label}”` : null}`,
            bytes(fileSystem.offsetBytes),
            html`${methods[fileSystem.method]}${fileSystem.reason ? html`<br><span class="note">${fileSystem.reason}</span>` : null}`,
            fileSystem.method === "none"
                ? ""
                : withoutJournal.test(fileSystem.type)
                  ? "has none"
                  : fileSystem.journalReplayed
                    ? "replayed"
                    : "not replayed",
            fileSystem.filesSeen.toLocaleString("en-GB"),
        ]),
    );
    if (rows.length === 0) return null;
    return table(
        "File systems",
        [
            { title: "Volume", kind: "code" },
            { title: "File system" },
            { title: "Offset", kind: "number" },
            { title: "How it was read" },
            { title: "Journal" },
            { title: "Files", kind: "number" },
        ],
        rows,
    );
}

export function integritySection(input: ReportInput, assessment: Assessment): Html {
    const volumes = input.custody.evidence.snapshots.length;
    return html`<section id="integrity">
<h2>How far this can be relied on</h2>
<div class="statuses">
${status("Planned checks done?", assessment.complete, assessment.incomplete, `Every volume, file system and check that was planned was looked at. Never looked at: ${neverLookedAtWords(input)}.`)}
${status("Intact?", assessment.intact, assessment.altered, `${count(assessment.lookedAt.hashedVolumes, "evidence volume")} hashed and not changed by the analysis, and every output matches its manifest.`)}
</div>
${journalBanner(assessment)}
<h3 class="quiet">What was looked at</h3>
${lookedAtFigures(assessment, { volumes, objects: input.manifest.objects.length })}
${fileSystemTable(input)}
</section>`;
}
