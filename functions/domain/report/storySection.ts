/** The attack as a story: episodes of time, in each what was done in the order of an attack, every fact once with its places. */
import { count, time } from "./format";
import { html, type Html } from "./html";
import type { Entry, Exposure } from "./entry";
import type { Fact } from "./facts";
import type { Reading } from "./reading";
import type { Episode, Phase } from "./story";
import { bullets, code } from "./table";

/** Facts of a phase and episodes that are told here; the findings have all. */
const most = { facts: 5, episodes: 6, places: 3 } as const;

export const findingAnchor = (id: string): string => `f-${id.replace(/[^A-Za-z0-9_-]/g, "")}`;

/** Facts that one line tells: the same of several files, or several of the same files. */
export interface StoryLine extends Pick<Fact, "ids" | "severity" | "title" | "at" | "attack"> {
    paths: string[];
    also: string[];
}

/** The same said of several files becomes one line, and several sayings about the same files, too. */
export function storyLines(facts: readonly Fact[]): StoryLine[] {
    const byTitle = new Map<string, StoryLine>();
    for (const { ids, severity, title, at, attack, places } of facts) {
        const line = byTitle.get(title) ?? { ids: [], severity, title, at, attack, paths: [], also: [] };
        line.ids.push(...ids);
        line.paths.push(...places.flatMap(({ path }) => (path === null || line.paths.includes(path) ? [] : [path])));
        if (at !== null && (line.at === null || at < line.at)) line.at = at;
        byTitle.set(title, line);
    }
    const byPlaces = new Map<string, StoryLine>();
    for (const line of byTitle.values()) {
        const key = line.paths.length === 0 ? line.title : JSON.stringify([...line.paths].sort());
        const known = byPlaces.get(key);
        if (known) {
            known.also.push(line.title);
            known.ids.push(...line.ids);
        } else byPlaces.set(key, line);
    }
    return [...byPlaces.values()];
}

function factLine({ ids, severity, title, paths, also, at }: StoryLine): Html {
    const others = paths.length - most.places;
    return html`<li><span class="chip ${severity}">${severity}</span> <a href="#${findingAnchor(ids[0]!)}">${title}</a>
${also.length > 0 ? html` <span class="also">Also: ${also.slice(0, most.places).join("; ")}</span>` : null}
${paths.length > 0 ? html` <span class="where">${paths.slice(0, most.places).map((path, index) => html`${index > 0 ? ", " : null}${code(path)}`)}${others > 0 ? ` and ${others} more places` : null}</span>` : null}
${at === null ? null : html` <time>${time(at)}</time>`}</li>`;
}

function phasePart({ tactic, facts }: Phase): Html {
    const lines = storyLines(facts);
    const more = lines.length - most.facts;
    return html`<li><h4>${tactic}</h4><ul>${lines.slice(0, most.facts).map(factLine)}</ul>${more > 0 ? html`<p class="note">and ${more} more: <a href="#findings">see the findings</a></p>` : null}</li>`;
}

function episodePart({ from, to, phases, facts, main }: Episode): Html {
    const when = from === null ? "At no known time" : from === to ? time(from) : `${time(from)} to ${time(to!)}`;
    const inside = html`<ol class="phases">${phases.map(phasePart)}</ol>`;
    return main
        ? html`<h3>${when}</h3>${inside}`
        : html`<details><summary>${when} <span class="note">${count(facts, "fact")}</span></summary>${inside}</details>`;
}

function entryPart([likely, ...others]: readonly Entry[]): Html {
    if (!likely) return html`<p>How the intruder came in is not known: nothing that was looked at shows it.</p>`;
    return html`<p><strong>${likely.what}</strong>${likely.at === null ? null : `, ${time(likely.at)}`}. <span class="certainty">${likely.confidence} confidence</span></p>
${bullets(likely.why)}
${others.length > 0 ? html`<p>Other ways that would fit:</p>${bullets(others.map(({ what, at, confidence }) => `${what}${at === null ? "" : `, ${time(at)}`} (${confidence} confidence)`))}` : null}`;
}

const exposurePart = ({ moments, open }: Exposure): Html => html`${open === null ? null : html`<p>${open}</p>`}
<ol class="moments">${moments.map(({ what, at }) => html`<li><time>${time(at)}</time> ${what}</li>`)}</ol>`;

export function storySection({ story, entries, exposure, assessment }: Reading): Html {
    return html`<section id="story">
<h2>The attack, as far as it is known</h2>
${
    story.length === 0
        ? html`<p>Nothing of medium severity or more was found, so there is no story to tell. ${assessment.complete ? "It does not prove that the instance is free of an intruder." : "Not everything was looked at, so this says little."}</p>`
        : html`<p class="note">Facts of medium severity and more, each once, by ATT&amp;CK tactic. Times on a disk can be forged.</p>${story.slice(0, most.episodes).map(episodePart)}`
}
${story.length > most.episodes ? html`<p class="note">and ${count(story.length - most.episodes, "more episode")}: see the findings.</p>` : null}
<h3>Likely entry</h3>
${entryPart(entries)}
<h3>Exposure</h3>
${exposurePart(exposure)}
</section>`;
}
