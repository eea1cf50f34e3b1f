/** Findings as a list that one can filter, search, sort and group; details on demand, a link to each. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { severities, type Severity } from "../functions/domain/severity";
import { time } from "../functions/domain/report/format";
import type { PageFinding } from "../functions/domain/report/pageData";
import { tactics } from "../functions/domain/report/tactics";
import { visible, visibleLines } from "../functions/domain/visibleText";
import { Rows } from "./rows";

const groupings = { tactic: "ATT&CK tactic", severity: "Severity", check: "Check", volume: "Volume", none: "Nothing" } as const;
type Grouping = keyof typeof groupings;
const orders = { severity: "Severity", time: "Time", path: "Path" } as const;
type Order = keyof typeof orders;

type Row = { kind: "group"; name: string; number: number } | { kind: "finding"; finding: PageFinding };

const rank = (severity: Severity) => severities.indexOf(severity);
const anchor = (id: string) => `f-${id.replace(/[^A-Za-z0-9_-]/g, "")}`;
const collator = new Intl.Collator("en", { numeric: true });
const compare: Record<Order, (left: PageFinding, right: PageFinding) => number> = {
    severity: (left, right) => rank(left.severity) - rank(right.severity) || (left.at ?? "9").localeCompare(right.at ?? "9"),
    time: (left, right) => (left.at ?? "9").localeCompare(right.at ?? "9"),
    path: (left, right) => collator.compare(left.path ?? "", right.path ?? ""),
};

function groupOf(finding: PageFinding, by: Grouping): string {
    return by === "none" ? "" : finding[by];
}

function groupRank(name: string, by: Grouping): number {
    if (by === "tactic") return tactics.indexOf(name as (typeof tactics)[number]);
    return by === "severity" ? rank(name as Severity) : 0;
}

const unique = (values: string[]) => [...new Set(values)].sort(collator.compare);

function Choice(props: { label: string; value: string; options: readonly (readonly [string, string])[]; set: (value: string) => void }) {
    return (
        <label>
            {props.label}
            <select value={props.value} onChange={(event) => props.set(event.currentTarget.value)}>
                {props.options.map(([value, text]) => (
                    <option key={value} value={value}>
                        {text}
                    </option>
                ))}
            </select>
        </label>
    );
}

function Details({ finding }: { finding: PageFinding }) {
    const { path, volume, attack, at, check, rule, sha256, evidence, also, id } = finding;
    const facts: [string, string | null][] = [
        ["ATT&CK", attack.join(", ")],
        ["At", at && time(at)],
        ["Check", check],
        ["Rule", rule],
        ["Volume", volume],
        ["SHA-256", sha256],
    ];
    return (
        <div class="details">
            {path === null ? null : <p class="path">{visible(path)}</p>}
            {evidence === "" ? null : <pre tabIndex={0} aria-label="Evidence">{visibleLines(evidence)}</pre>}
            <dl class="facts">
                {facts
                    .filter(([, value]) => value)
                    .map(([name, value]) => (
                        <div key={name}>
                            <dt>{name}</dt>
                            <dd>{visible(value!)}</dd>
                        </div>
                    ))}
            </dl>
            {also.length > 0 ? <p class="note">Seen as well: {also.map(visible).join(", ")}</p> : null}
            <p class="note">
                <a href={`#${anchor(id)}`}>Link to this finding</a>
            </p>
        </div>
    );
}

export function Findings({ findings }: { findings: readonly PageFinding[] }) {
    const [shown, setShown] = useState<readonly Severity[]>(severities);
    const [tactic, setTactic] = useState("");
    const [check, setCheck] = useState("");
    const [volume, setVolume] = useState("");
    const [text, setText] = useState("");
    const [grouping, setGrouping] = useState<Grouping>("tactic");
    const [order, setOrder] = useState<Order>("severity");
    const [closed, setClosed] = useState<readonly string[]>([]);
    const [openId, setOpenId] = useState<string | null>(null);
    const [goTo, setGoTo] = useState<{ index: number }>();

    const words = useMemo(
        () => new Map(findings.map((each) => [each, `${each.title}\n${each.path}\n${each.evidence}\n${each.rule}\n${each.attack.join(" ")}\n${each.sha256}\n${each.also.join("\n")}`.toLowerCase()])),
        [findings],
    );
    const counts = useMemo(() => {
        const result = Object.fromEntries(severities.map((severity) => [severity, 0]));
        for (const { severity } of findings) result[severity]! += 1;
        return result;
    }, [findings]);
    const matching = useMemo(() => {
        const wanted = text.trim().toLowerCase();
        return findings
            .filter(
                (each) =>
                    shown.includes(each.severity) &&
                    (tactic === "" || each.tactic === tactic) &&
                    (check === "" || each.check === check) &&
                    (volume === "" || each.volume === volume) &&
                    (wanted === "" || words.get(each)!.includes(wanted)),
            )
            .sort(compare[order]);
    }, [findings, words, shown, tactic, check, volume, text, order]);
    const rows = useMemo((): Row[] => {
        if (grouping === "none") return matching.map((finding) => ({ kind: "finding", finding }));
        const groups = new Map<string, PageFinding[]>();
        for (const finding of matching) {
            const name = groupOf(finding, grouping);
            const members = groups.get(name) ?? [];
            members.push(finding);
            groups.set(name, members);
        }
        return [...groups]
            .sort(([left], [right]) => groupRank(left, grouping) - groupRank(right, grouping) || collator.compare(left, right))
            .flatMap(([name, members]): Row[] => [
                { kind: "group", name, number: members.length },
                ...(closed.includes(name) ? [] : members.map((finding): Row => ({ kind: "finding", finding }))),
            ]);
    }, [matching, grouping, closed]);

    // A link to a finding shows it whatever was filtered away.
    useEffect(() => {
        const follow = () => {
            const wanted = location.hash.slice(1);
            const finding = wanted.startsWith("f-") ? findings.find(({ ids }) => ids.some((id) => anchor(id) === wanted)) : undefined;
            if (!finding) return;
            setShown(severities);
            setTactic("");
            setCheck("");
            setVolume("");
            setText("");
            setClosed([]);
            setOpenId(finding.id);
            document.getElementById("findings-app")!.scrollIntoView();
        };
        addEventListener("hashchange", follow);
        return () => removeEventListener("hashchange", follow);
    }, [findings]);
    const open = openId === null ? -1 : rows.findIndex((row) => row.kind === "finding" && row.finding.id === openId);
    useEffect(() => {
        if (open >= 0 && location.hash === `#${anchor(openId!)}`) setGoTo({ index: open });
    }, [openId]);

    const options = (values: string[], all: string) => [["", all], ...values.map((value) => [value, visible(value)] as const)] as const;
    return (
        <div class="explorer">
            <form class="filters" onSubmit={(event) => event.preventDefault()} aria-label="Filter findings">
                <label class="search">
                    Search
                    <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} placeholder="title, path, evidence, hash, T1059" />
                </label>
                <fieldset>
                    <legend>Severity</legend>
                    {severities.map((severity) => (
                        <label key={severity} class={`toggle ${severity}`}>
                            <input
                                type="checkbox"
                                checked={shown.includes(severity)}
                                onChange={() => setShown(shown.includes(severity) ? shown.filter((each) => each !== severity) : [...shown, severity])}
                            />
                            {severity} {counts[severity]}
                        </label>
                    ))}
                </fieldset>
                <Choice label="Tactic" value={tactic} set={setTactic} options={options(tactics.filter((each) => findings.some((finding) => finding.tactic === each)), "all")} />
                <Choice label="Check" value={check} set={setCheck} options={options(unique(findings.map((each) => each.check)), "all")} />
                <Choice label="Volume" value={volume} set={setVolume} options={options(unique(findings.map((each) => each.volume)), "all")} />
                <Choice label="Group by" value={grouping} set={(value) => setGrouping(value as Grouping)} options={Object.entries(groupings)} />
                <Choice label="Sort by" value={order} set={(value) => setOrder(value as Order)} options={Object.entries(orders)} />
            </form>
            <p role="status" class="note">
                {matching.length.toLocaleString("en-GB")} of {findings.length.toLocaleString("en-GB")} facts, each told once
            </p>
            <Rows
                label="Findings"
                count={rows.length}
                rowHeight={34}
                open={open}
                goTo={goTo}
                empty="Nothing matches the filter."
                row={(index, isOpen) => {
                    const row = rows[index]!;
                    if (row.kind === "group") {
                        const isClosed = closed.includes(row.name);
                        return (
                            <button
                                type="button"
                                class="group"
                                aria-expanded={!isClosed}
                                onClick={() => setClosed(isClosed ? closed.filter((each) => each !== row.name) : [...closed, row.name])}
                            >
                                <span aria-hidden="true">{isClosed ? "▸" : "▾"}</span> {visible(row.name)} <span class="note">{row.number}</span>
                            </button>
                        );
                    }
                    const { finding } = row;
                    return (
                        <>
                            <button type="button" class="line" aria-expanded={isOpen} onClick={() => setOpenId(isOpen ? null : finding.id)}>
                                <span class={`chip ${finding.severity}`}>{finding.severity}</span>
                                <span class="title">{visible(finding.title)}</span>
                                <span class="path">{finding.path === null ? "" : visible(finding.path)}</span>
                                <time>{finding.at === null ? "" : time(finding.at).slice(0, 16)}</time>
                            </button>
                            {isOpen ? <Details finding={finding} /> : null}
                        </>
                    );
                }}
            />
        </div>
    );
}
