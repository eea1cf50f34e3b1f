/**
 * Time as waits see it: a wait takes as many turns of the event loop as its milliseconds ask for, so that minutes of back-off pass in
 * milliseconds, and in their order beside calls that take a turn each.
 */
import timers from "node:timers/promises";

/** Milliseconds of a turn: about what a call to AWS takes. */
const turn = 50;

export class VirtualTime {
    private readonly real = { wait: timers.setTimeout, date: Date };
    private elapsed = 0;
    private next: Promise<void> | null = null;

    install(): void {
        const { date } = this.real;
        const start = date.now();
        const now = () => start + this.elapsed;
        globalThis.Date = class extends date {
            constructor(...given: [] | [number | string]) {
                super(given.length === 0 ? now() : given[0]);
            }
            static override now = now;
        } as DateConstructor;
        (timers as { setTimeout: unknown }).setTimeout = async (milliseconds: number, value: unknown) => {
            const end = this.elapsed + milliseconds;
            while (this.elapsed < end) await this.pass();
            return value;
        };
    }

    /** Lets time go by at once. @param milliseconds of it */
    skip(milliseconds: number): void {
        this.elapsed += milliseconds;
    }

    remove(): void {
        globalThis.Date = this.real.date;
        (timers as { setTimeout: unknown }).setTimeout = this.real.wait;
    }

    private pass(): Promise<void> {
        this.next ??= new Promise((resolve) =>
            setImmediate(() => {
                this.elapsed += turn;
                this.next = null;
                resolve();
            }),
        );
        return this.next;
    }
}
