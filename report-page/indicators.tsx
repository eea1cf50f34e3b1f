/** Copies indicators and gives them as CSV. */
import { useState } from "preact/hooks";
import type { PageData } from "../functions/domain/report/pageData";
import { visible } from "../functions/domain/visibleText";

/** A cell that no spreadsheet takes for a formula. */
const cell = (text: string): string => {
    const shown = visible(text);
    return `"${(/^[=+\-@\t\r]/.test(shown) ? `'${shown}` : shown).replaceAll('"', '""')}"`;
};

export function csvOf({ indicators, findings: all }: Pick<PageData, "indicators" | "findings">): string {
    const places = new Map(all.flatMap(({ ids, path, title }) => ids.map((id) => [id, path ?? title] as const)));
    const seenIn = (ids: readonly string[]) => [...new Set(ids.flatMap((id) => places.get(id) ?? []))].join(" | ");
    return [
        "kind,value,side,severity,in alert,seen in,findings",
        ...indicators.map(({ kind, value, side, severity, alert, findings }) =>
            [kind, value, side, severity ?? "", alert ? "yes" : "no", seenIn(findings), findings.join(" ")].map(cell).join(","),
        ),
    ].join("\r\n");
}

async function copy(text: string): Promise<boolean> {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        // Pages opened from a disk may have no clipboard: the old way still works there.
        const area = Object.assign(document.createElement("textarea"), { value: text });
        document.body.append(area);
        area.select();
        const done = document.execCommand("copy");
        area.remove();
        return done;
    }
}

export function IndicatorTools({ data }: { data: PageData }) {
    const [said, say] = useState("");
    const theirs = data.indicators.filter(({ side }) => side === "theirs");
    if (data.indicators.length === 0) return null;
    const download = () => {
        const url = URL.createObjectURL(new Blob([csvOf(data)], { type: "text/csv" }));
        Object.assign(document.createElement("a"), { href: url, download: `indicators-${data.incident.replace(/[^\w-]/g, "")}.csv` }).click();
        setTimeout(() => URL.revokeObjectURL(url), 10_000);
    };
    return (
        <p class="tools">
            <button
                type="button"
                onClick={() =>
                    void copy(theirs.map(({ value }) => visible(value)).join("\n")).then((done) =>
                        say(done ? `${theirs.length} indicators copied, own addresses left out.` : "The browser did not let them be copied."),
                    )
                }
            >
                Copy all
            </button>{" "}
            <button type="button" onClick={download}>
                Save as CSV
            </button>{" "}
            <span role="status">{said}</span>
        </p>
    );
}
