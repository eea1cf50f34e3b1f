/** The timeline as a chart with a lane a source, and the events of what it shows as a list. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import chartStyle from "uplot/dist/uPlot.min.css";
import { severities } from "../functions/domain/severity";
import { time } from "../functions/domain/report/format";
import type { PageEvent, PageFinding } from "../functions/domain/report/pageData";
import { lanes } from "../functions/domain/report/lanes";
import { visible } from "../functions/domain/visibleText";
import { Rows } from "./rows";

interface Range {
    from: number;
    to: number;
}

/** What a dot's colour says: the gravity of the finding behind it, that we did it, or neither. */
const dotKinds = [...severities, "response", "plain"] as const;
const kindOf = ({ severity, lane }: PageEvent) => severity ?? (lane === "response" ? "response" : "plain");
const laneWords = { "log-ins": "Log-ins", commands: "Commands", files: "Files", logs: "Logs", "control plane": "AWS calls", response: "Response" } as const;
/** Lanes from the top down. */
const level = (lane: PageEvent["lane"]) => lanes.length - 1 - lanes.indexOf(lane);

const seconds = (text: string) => Date.parse(text) / 1000;
const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Times as the page has them everywhere: UTC, 24 hours; the day below the first one and where it changes. */
function clock(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
    return splits.map((at, index) => {
        const text = new Date(at * 1000).toISOString();
        const day = text.slice(0, 10);
        if (step >= 86_400) return day;
        const changed = index === 0 || new Date(splits[index - 1]! * 1000).toISOString().slice(0, 10) !== day;
        return `${text.slice(11, step < 60 ? 19 : 16)}${changed ? `\n${day}` : ""}`;
    });
}

/** Dots of one lane lie beside each other where they are many. */
const jitter = (index: number) => ((index * 7919) % 100) / 100 - 0.5;

function drawChart(element: HTMLElement, events: readonly PageEvent[], range: Range, onRange: (range: Range) => void): uPlot {
    const xs = events.map(({ at }) => seconds(at));
    const data: uPlot.AlignedData = [
        xs,
        ...dotKinds.map((kind) => events.map((event, index) => (kindOf(event) === kind ? level(event.lane) + 0.5 * jitter(index) : null))),
    ];
    const ink = colour("muted");
    const grid = { stroke: colour("rule"), width: 1 };
    return new uPlot(
        {
            width: element.clientWidth,
            height: 210,
            tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Etc/UTC"),
            legend: { show: false },
            cursor: { drag: { x: true, y: false }, y: false },
            scales: { x: { time: true, min: range.from, max: range.to }, y: { range: [-0.6, lanes.length - 0.4] } },
            axes: [
                { stroke: ink, grid, ticks: grid, font: "12px system-ui", size: 44, values: clock },
                {
                    stroke: ink,
                    grid,
                    ticks: grid,
                    font: "12px system-ui",
                    size: 90,
                    splits: () => lanes.map(level),
                    values: (_, splits) => splits.map((at) => laneWords[lanes[lanes.length - 1 - at]!]),
                },
            ],
            series: [
                {},
                ...dotKinds.map((kind) => ({
                    stroke: kind === "plain" ? ink : colour(kind === "response" ? "accent" : kind),
                    paths: () => null,
                    points: { show: true, size: kind === "plain" ? 5 : 9, fill: kind === "plain" ? ink : colour(kind === "response" ? "accent" : kind) },
                })),
            ],
            hooks: {
                setScale: [(chart, key) => key === "x" && onRange({ from: chart.scales.x!.min!, to: chart.scales.x!.max! })],
                draw: [
                    (chart) => {
                        // What the responders did stands as a line over all lanes.
                        const { ctx, bbox } = chart;
                        ctx.save();
                        ctx.strokeStyle = colour("accent");
                        ctx.setLineDash([4, 4]);
                        for (const { at, message } of events.filter(({ lane, message }) => lane === "response" && /contained|first seen/i.test(message))) {
                            const x = chart.valToPos(seconds(at), "x", true);
                            if (x < bbox.left || x > bbox.left + bbox.width) continue;
                            ctx.beginPath();
                            ctx.moveTo(x, bbox.top);
                            ctx.lineTo(x, bbox.top + bbox.height);
                            ctx.stroke();
                            ctx.fillStyle = colour("accent");
                            ctx.textAlign = "left";
                            ctx.font = `${11 * devicePixelRatio}px system-ui`;
                            ctx.fillText(/contained/i.test(message) ? "contained" : "first seen", x + 4, bbox.top + 12 * devicePixelRatio);
                        }
                        ctx.restore();
                    },
                ],
            },
        },
        data,
        element,
    );
}

interface TimelineProps {
    events: readonly PageEvent[];
    findings: readonly PageFinding[];
    /** What it shows first; null: everything. */
    range: { from: string; to: string } | null;
}

export function Timeline({ events, findings, range }: TimelineProps) {
    const titles = useMemo(() => new Map(findings.flatMap(({ ids, title }) => ids.map((id) => [id, title] as const))), [findings]);
    /** What happened, and what was found of it where the event itself does not say. */
    const words = ({ message, finding, lane }: PageEvent) =>
        visible(lane === "files" && finding !== null && titles.has(finding) ? `${message} – ${titles.get(finding)}` : message);
    const place = useRef<HTMLDivElement>(null);
    const chart = useRef<uPlot | null>(null);
    const whole = useMemo((): Range => {
        const from = events.length > 0 ? seconds(events[0]!.at) : 0;
        const to = events.length > 0 ? seconds(events.at(-1)!.at) : 1;
        const room = Math.max(60, (to - from) * 0.02);
        return { from: from - room, to: to + room };
    }, [events]);
    const home = range === null ? whole : { from: seconds(range.from), to: seconds(range.to) };
    const [shown, setShown] = useState<Range>(home);
    const [openAt, setOpenAt] = useState(-1);
    useEffect(() => {
        const style = document.createElement("style");
        style.textContent = chartStyle;
        document.head.append(style);
        const draw = () => {
            const now = chart.current ? { from: chart.current.scales.x!.min!, to: chart.current.scales.x!.max! } : home;
            chart.current?.destroy();
            chart.current = drawChart(place.current!, events, now, setShown);
        };
        draw();
        const scheme = matchMedia("(prefers-color-scheme: dark)");
        const resize = () => chart.current?.setSize({ width: place.current!.clientWidth, height: 210 });
        scheme.addEventListener("change", draw);
        addEventListener("resize", resize);
        return () => {
            chart.current?.destroy();
            style.remove();
            scheme.removeEventListener("change", draw);
            removeEventListener("resize", resize);
        };
    }, [events]);
    const show = ({ from, to }: Range) => chart.current?.setScale("x", { min: from, max: to });
    const zoom = (factor: number) => {
        const middle = (shown.from + shown.to) / 2;
        const half = Math.max(1, ((shown.to - shown.from) / 2) * factor);
        show({ from: middle - half, to: middle + half });
    };
    const move = (part: number) => {
        const by = (shown.to - shown.from) * part;
        show({ from: shown.from + by, to: shown.to + by });
    };
    const keys: Record<string, () => void> = {
        "+": () => zoom(0.5),
        "=": () => zoom(0.5),
        "-": () => zoom(2),
        ArrowLeft: () => move(-0.25),
        ArrowRight: () => move(0.25),
        "0": () => show(home),
        a: () => show(whole),
    };
    const inView = useMemo(() => events.filter(({ at, until }) => seconds(until ?? at) >= shown.from && seconds(at) <= shown.to), [events, shown]);
    const iso = (at: number) => time(new Date(at * 1000).toISOString());
    return (
        <div class="explorer">
            <div class="tools" role="group" aria-label="Time shown">
                <button type="button" onClick={() => show(home)}>
                    The incident
                </button>{" "}
                <button type="button" onClick={() => show(whole)}>
                    Everything
                </button>{" "}
                <button type="button" aria-label="Zoom in" onClick={() => zoom(0.5)}>
                    +
                </button>{" "}
                <button type="button" aria-label="Zoom out" onClick={() => zoom(2)}>
                    −
                </button>{" "}
                <button type="button" aria-label="Earlier" onClick={() => move(-0.5)}>
                    ←
                </button>{" "}
                <button type="button" aria-label="Later" onClick={() => move(0.5)}>
                    →
                </button>
            </div>
            <div
                class="chart"
                ref={place}
                tabIndex={0}
                role="img"
                aria-label={`Chart of ${inView.length} events from ${iso(shown.from)} to ${iso(shown.to)}, a lane a source. Plus and minus zoom, arrows move, 0 shows the incident, a shows everything. The list below has the same events.`}
                onKeyDown={(event) => {
                    const action = keys[event.key];
                    if (!action) return;
                    event.preventDefault();
                    action();
                }}
            />
            <p role="status" class="note">
                {inView.length.toLocaleString("en-GB")} of {events.length.toLocaleString("en-GB")} events, {iso(shown.from)} to {iso(shown.to)}. Drag over the
                chart to zoom.
            </p>
            <Rows
                label="Events"
                count={inView.length}
                rowHeight={34}
                open={openAt}
                empty="No event in the time shown."
                row={(index, isOpen) => {
                    const event = inView[index]!;
                    return (
                        <>
                            <button type="button" class="line" aria-expanded={isOpen} onClick={() => setOpenAt(isOpen ? -1 : index)}>
                                <time>{time(event.at).slice(0, 19)}</time>
                                <span class="lane">{laneWords[event.lane]}</span>
                                <span class="title">{words(event)}</span>
                                {event.severity === null ? null : <span class={`chip ${event.severity}`}>{event.severity}</span>}
                            </button>
                            {isOpen ? (
                                <div class="details">
                                    <p class="path">{words(event)}</p>
                                    <p class="note">
                                        {visible(event.kind)}
                                        {event.until === null ? "" : `, until ${time(event.until)}`}
                                        {event.finding === null ? "" : "; "}
                                        {event.finding === null ? null : <a href={`#f-${event.finding.replace(/[^A-Za-z0-9_-]/g, "")}`}>its finding</a>}
                                    </p>
                                </div>
                            ) : null}
                        </>
                    );
                }}
            />
        </div>
    );
}
