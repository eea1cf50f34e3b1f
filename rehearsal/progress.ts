/** Live progress of a rehearsal: one line a step and a state, with the seconds since the finding was sent. */
import { stepTitle } from "../functions/domain/stepWords";
import type { StateVisit } from "./executionHistory";

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;

/** Text from outside on one line of a terminal: no control characters, bounded. */
export function printable(text: string, longest = 400): string {
    const plain = text.replace(/\p{C}+/gu, " ");
    return plain.length > longest ? `${plain.slice(0, longest - 1)}…` : plain;
}

/** One line for a state that ended. */
export function stateLine(visit: StateVisit, sentAt: number): string {
    const at = visit.exitedAt ? seconds(Date.parse(visit.exitedAt) - sentAt) : "";
    const took = visit.milliseconds === null ? "never ended" : `took ${seconds(visit.milliseconds)}`;
    const tries =
        visit.failedAttempts > 0
            ? `, ${visit.failedAttempts} ${visit.lastError === "NotYet" ? "waits" : `failed tries (${printable(visit.lastError ?? "", 80)})`}`
            : "";
    return `  ${at.padStart(8)}  ${stepTitle(visit.name).padEnd(30)} ${took}${tries}`;
}

/** Writes progress. On a terminal the states that run are shown in place, else every line is final. */
export class Progress {
    private readonly shown = new Set<string>();
    /** How far the analysis is; null before it says anything. */
    private analysis: string | null = null;
    private sentAt = Date.now();
    private inPlace = false;
    private readonly lines: string[] = [];

    constructor(private readonly stream: { write: (text: string) => unknown; isTTY?: boolean; columns?: number }) {}

    /** A line of its own. */
    line(text: string): void {
        this.clear();
        this.lines.push(text);
        this.stream.write(`${text}\n`);
    }

    /** Everything that was written so far, without what was taken back. */
    transcript(): string {
        return `${this.lines.join("\n")}\n`;
    }

    /** The moment the finding was sent; times of states count from here. */
    start(sentAt: number): void {
        this.sentAt = sentAt;
    }

    /** Prints the states that ended since the last call, and on a terminal which ones run. */
    states(visits: StateVisit[]): void {
        const ended = visits.filter((visit) => visit.exitedAt !== null).sort((a, b) => Date.parse(a.exitedAt!) - Date.parse(b.exitedAt!));
        for (const visit of ended) {
            const key = `${visit.name}/${visit.enteredAt}`;
            if (this.shown.has(key)) continue;
            this.shown.add(key);
            this.line(stateLine(visit, this.sentAt));
        }
        const running = visits.filter((visit) => visit.exitedAt === null).map((visit) => stepTitle(visit.name));
        if (running.length > 0)
            this.status(
                `${seconds(Date.now() - this.sentAt)}  ${[...running, ...(this.analysis === null ? [] : [this.analysis])].join(", ")}`,
            );
    }

    /** Prints what the analysis says that it did not say before: its step, and of each volume how much is read, how fast, and when that ends. */
    analysing(lines: readonly string[]): void {
        for (const line of lines) {
            // How long it still takes is news with every look; how far it is comes in steps.
            const key = `analysis/${line.replace(/, (done in about|about done).*$/, "")}`;
            if (this.shown.has(key)) continue;
            this.shown.add(key);
            this.line(`  ${seconds(Date.now() - this.sentAt).padStart(8)}  Analysis: ${printable(line)}`);
            this.analysis = line;
        }
    }

    /** What is going on right now; only where it can be taken back. */
    status(text: string): void {
        if (!this.stream.isTTY) return;
        this.clear();
        this.stream.write(printable(`  … ${text}`, (this.stream.columns ?? 80) - 1));
        this.inPlace = true;
    }

    private clear(): void {
        if (this.inPlace) this.stream.write("\r\u001b[2K");
        this.inPlace = false;
    }
}
