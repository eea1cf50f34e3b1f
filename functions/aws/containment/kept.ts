/** The standing record of one containment while it is under way. The table keeps it; where the table fails, this run still knows it. */
import { setTimeout } from "node:timers/promises";
import { joinStanding, type StandingContainment } from "../../domain/standingContainment";
import type { InstanceRef } from "../../domain/containers";
import { isTransient } from "../errors";
import { changeStanding, readStanding } from "../standingContainments";
import { log } from "../handler";

/** Milliseconds that the cut waits for its record to be kept. An attacker does not wait for our table. */
const patience = 3000;
/** Milliseconds that a busy table is waited for at the end: DynamoDB's tables refill their tokens every second, and grow within minutes. */
const longestBusy = 75_000;

export class KeptRecord {
    /** Why the table does not have it; null as long as it does. */
    error: unknown = null;
    private tail: Promise<void> = Promise.resolve();

    constructor(
        private readonly instance: InstanceRef,
        public current: StandingContainment | null,
    ) {}

    /** Changes it, one change after the other. Never throws, and never takes longer than the patience. */
    async change(change: (read: StandingContainment | null) => StandingContainment | null): Promise<void> {
        this.tail = this.tail.then(async () => {
            const read = this.current;
            // What was just decided holds for this run, whatever the table says later.
            this.current = change(read) ?? read;
            try {
                if (this.error === null) this.current = await changeStanding(this.instance, read, change);
                else await this.bring();
            } catch (error) {
                this.error = error;
                log("the standing record could not be kept", { instance: this.instance.instanceId, why: String(error) });
            }
        });
        const enough = new AbortController();
        await Promise.race([this.tail, setTimeout(patience, undefined, { signal: enough.signal }).catch(() => undefined)]);
        enough.abort();
    }

    /** Waits for every change, however long it takes. */
    async settled(): Promise<void> {
        await this.tail;
    }

    /** Gives the table all that this run knows: what it has from before, which this run may not have been able to read, stays. */
    private async bring(): Promise<void> {
        const whole = this.current;
        if (whole !== null)
            this.current = await changeStanding(this.instance, await readStanding(this.instance), (read) => joinStanding(read, whole));
        this.error = null;
    }

    /** Waits for every change, and gives the table again what it was too busy to take: an instance that it does not have is watched by nobody. */
    async insist(): Promise<void> {
        await this.tail;
        const end = Date.now() + longestBusy;
        for (let pause = 1000; this.error !== null && isTransient(this.error) && Date.now() < end; pause *= 2) {
            await setTimeout(pause);
            await this.bring().catch((error: unknown) => void (this.error = error));
        }
    }
}
