/** Indicators: what to look for elsewhere. Addresses of our own stand apart: blocking them would hurt us. */
import { clip } from "../visibleText";
import { count } from "./format";
import { html, type Html } from "./html";
import type { Fact } from "./facts";
import type { Indicator, IndicatorKind } from "./indicators";
import type { Reading } from "./reading";
import { findingAnchor } from "./storySection";
import { code, table } from "./table";

/** Rows of a kind shown here; the CSV and indicators.stix.json have all. */
const mostRows = 100;

export const kindWords: Record<IndicatorKind, string> = {
    address: "Addresses",
    domain: "Domains",
    url: "URLs",
    sha256: "File hashes (SHA-256)",
    user: "Users",
    key: "SSH keys",
    path: "Paths",
};

/** Places of one indicator that are named here. */
const mostPlaces = 3;

/** Where it was seen: the alert, and files of the gravest findings, each a link to its finding. */
function seenIn({ findings, alert }: Indicator, facts: ReadonlyMap<string, Fact>): Html {
    const places = new Map<string, string>();
    for (const id of findings) {
        const fact = facts.get(id);
        const place = fact?.places[0]?.path ?? fact?.title;
        if (place !== undefined && !places.has(place)) places.set(place, id);
    }
    const shown = [...places].slice(0, mostPlaces);
    const links = shown.map(([place, id]) => html`<a href="#${findingAnchor(id)}">${clip(place, 120)}</a>`);
    const all = [...(alert ? [html`<a href="#original-finding">the alert</a>`] : []), ...links];
    return html`${all.map((each, index) => html`${index > 0 ? ", " : null}${each}`)}${places.size > shown.length ? ` and ${places.size - shown.length} more` : null}`;
}

function kindTable(title: string, indicators: readonly Indicator[], facts: ReadonlyMap<string, Fact>): Html | null {
    if (indicators.length === 0) return null;
    return html`${table(
        title,
        [{ title: "Value", kind: "code" }, { title: "Gravest finding" }, { title: "Seen in" }],
        indicators.slice(0, mostRows).map((each) => [code(each.value), each.severity, seenIn(each, facts)]),
        "compact",
    )}${indicators.length > mostRows ? html`<p class="note">and ${count(indicators.length - mostRows, "more")}: see the CSV.</p>` : null}`;
}

export function indicatorsSection({ indicators, facts }: Pick<Reading, "indicators" | "facts">): Html {
    const factOf = new Map(facts.flatMap((fact) => fact.ids.map((id) => [id, fact] as const)));
    const theirs = indicators.filter(({ side }) => side === "theirs");
    const own = indicators.filter(({ side }) => side === "own");
    return html`<section id="indicators">
<h2>Indicators</h2>
<p class="note">From findings of medium severity and more, and from the alert. Judge each before you block it: an intruder uses ordinary services too. <code>indicators.stix.json</code> beside this page has them as STIX 2.1; <code>npm run hunt</code> prints queries for them.</p>
<div id="indicators-tools"></div>
${indicators.length === 0 ? html`<p>None was found.</p>` : null}
${(Object.keys(kindWords) as IndicatorKind[]).map((kind) =>
    kindTable(
        kindWords[kind],
        theirs.filter((each) => each.kind === kind),
        factOf,
    ),
)}
${own.length > 0 ? html`<h3>Own addresses</h3><p class="note">Private ranges, <code>ownNetworks</code> and the instance’s own: where the intruder may have gone, not where it came from.</p>${kindTable("Own addresses that findings name", own, factOf)}` : null}
</section>`;
}
