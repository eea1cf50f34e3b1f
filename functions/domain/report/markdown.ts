/** report.md: the report for tickets, short, in Markdown that no text of the disk can break out of. Pure. */
import { clip, visible } from "../visibleText";
import type { ReportInput } from "./assessment";
import { editionSentence } from "./edition";
import { time } from "./format";
import { neverLookedAtWords } from "./neverLookedAt";
import type { Reading } from "./reading";
import { storyLines } from "./storySection";

/** Characters of one value, facts of the story, indicators of a kind. */
const most = { value: 300, facts: 30, indicators: 50 } as const;

/**
 * Text that is not ours: every character that Markdown gives a meaning is escaped, so that it is no link, heading, mention, image or HTML. An
 * address loses its scheme's letters, as the field has it, since many trackers make links of bare addresses.
 */
export function plain(text: string): string {
    return visible(clip(text, most.value))
        .replace(/[\\`*_{}[\]()#+!|<>~&$-]/g, "\\$&")
        .replace(/\bh(tt)(ps?:)/gi, "hxx$2")
        .replace(/@/g, "@\u2060")
        .replaceAll("\u2060", "&#8288;")
        .replace(/\b(www)\./gi, "$1[.]");
}

/** An identifier in code; a backtick in it becomes another sign. */
const code = (text: string): string => `\`${visible(clip(text, most.value)).replaceAll("`", "ˋ") || " "}\``;
const bullets = (items: readonly string[]): string[] => (items.length === 0 ? ["- none"] : items.map((item) => `- ${item}`));

/** @returns Markdown, lines ended by \n */
export function reportMarkdown(input: ReportInput, reading: Reading): string {
    const { custody, edition, generatedAt, manifest } = input;
    const { incident, containment } = custody;
    const { verdict, agreement, impacts, story, entries, exposure, indicators, assessment, credentialUse, spread } = reading;
    const [entry] = entries;
    const theirs = indicators.filter(({ side }) => side === "theirs");
    const lines = storyLines(story.flatMap(({ phases }) => phases.flatMap(({ facts }) => facts)));
    return `${[
        `# ${incident.finding.sample ? "[Drill] " : ""}${verdict.headline}: ${incident.instance.instanceId}`,
        "",
        `Account ${incident.instance.accountId}, ${incident.instance.region}, incident ${code(incident.incidentId)}, written ${time(generatedAt)}.`,
        "",
        ...(edition === undefined ? [] : [plain(editionSentence(edition)), "", ...bullets(edition.news.map(plain)), ""]),
        plain(incident.finding.type),
        "",
        ...[verdict.findings, agreement.sentence, verdict.containment, verdict.reliability].map((sentence) => `${plain(sentence)}  `),
        "",
        "## What it means",
        "",
        ...bullets(impacts.map(({ label, certainty, sentence }) => `**${label}: ${certainty}.** ${plain(sentence)}`)),
        "",
        "## How it came in",
        "",
        entry
            ? `${plain(entry.what)}${entry.at === null ? "" : `, ${time(entry.at)}`} (${entry.confidence} confidence). ${entry.why.map(plain).join(" ")}`
            : "Not known: nothing that was looked at shows it.",
        ...(exposure.open === null ? [] : ["", plain(exposure.open)]),
        "",
        "## The attack, as far as it is known",
        "",
        ...bullets(
            lines
                .slice(0, most.facts)
                .map(
                    ({ severity, title, paths, at }) =>
                        `${at === null ? "" : `${time(at)} `}**${severity}** ${plain(title)}${paths.length > 0 ? ` (${paths.slice(0, 3).map(code).join(", ")}${paths.length > 3 ? ` and ${paths.length - 3} more` : ""})` : ""}`,
                ),
        ),
        ...(lines.length > most.facts ? [`- and ${lines.length - most.facts} more: see report.html`] : []),
        "",
        "## Stolen credentials and spread",
        "",
        ...bullets([plain(credentialUse.sentence), ...(spread.warning === null ? [] : [plain(spread.warning)]), plain(spread.sentence)]),
        "",
        "## Indicators",
        "",
        ...bullets(theirs.slice(0, most.indicators).map(({ kind, value }) => `${kind}: ${code(value)}`)),
        ...(theirs.length > most.indicators ? [`- and ${theirs.length - most.indicators} more: see indicators.stix.json`] : []),
        "",
        "## Not cut, not done, not looked at",
        "",
        ...bullets([
            ...(containment?.uncut ?? []).map((each) => `Not cut: ${plain(each)}`),
            ...assessment.incomplete.slice(0, 20).map((each) => `Not done: ${plain(each)}`),
            ...assessment.altered.slice(0, 20).map((each) => `Not intact: ${plain(each)}`),
            `Never looked at: ${neverLookedAtWords(input)}`,
        ]),
        "",
        ...[manifest.ref, ...(manifest.further ?? [])].map(
            ({ sha256, bucket, key }) => `Manifest SHA-256 ${code(sha256)}, ${code(`s3://${bucket}/${key}`)}.`,
        ),
    ].join("\n")}\n`;
}
