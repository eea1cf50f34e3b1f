/**
 * Everything that computes is gone in the middle of an incident, and comes back with its state, as when a local AWS is killed and started again: every
 * function's process at once, and the execution with them. Tables, buckets, queues and the estate stand. What Lambda was given it tries again, and
 * people go on with what broke off (`npm run resume`).
 */
import { expect } from "chai";
import { afterwards, tooMany } from "./judge";
import { live, type Life } from "./scenario";
import type { ScenarioName } from "./scenarios";

/** Moments of a life that are tried, evenly over all its calls until people mend what is broken; more by RESTART_MOMENTS. */
const moments = Number(process.env.RESTART_MOMENTS ?? 8);

describe("everything that computes is killed and comes back with its state", function () {
    this.timeout(120_000);
    before(async () => void (await live(null, null)));

    for (const name of ["incident", "rounds"] satisfies ScenarioName[])
        it(`${name}: wherever that is, the incident comes to its report, sealed, and its release puts everything back`, async () => {
            const good = await live(null, null, name);
            const calls = good.phaseAt.mending;
            const ended = new Map<string, number>();
            for (let moment = 0; moment < moments; moment++) {
                const at = Math.floor(((moment + 0.5) * calls) / moments);
                const life: Life = await live(null, null, name, undefined, at);
                const { service, operation, handler } = good.made[at]!;
                expect(
                    [...afterwards(life, good), ...tooMany(life, good)],
                    `at call ${at}, near ${service} ${operation} of ${handler}`,
                ).to.deep.equal([]);
                const how = life.mended.executions.join(", then ");
                ended.set(how, (ended.get(how) ?? 0) + 1);
            }
            // It was met: in most moments an execution was under way, and a second one ended what it had begun.
            const brokenOff = [...ended].filter(([how]) => how.includes("BrokenOff")).reduce((sum, [, count]) => sum + count, 0);
            expect(brokenOff, JSON.stringify([...ended])).to.be.greaterThan(moments / 3);
        });
});
