/**
 * A deployment that rots: one thing is broken at a time in the local AWS, the deployed function looks as `npm run preflight` has it look, and exactly
 * what was broken is named, in the words of its own check; then it is mended. Every check that there is must have been broken once.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { GetFunctionConfigurationCommand } from "@aws-sdk/client-lambda";
import { expect } from "chai";
import type { Readiness } from "../../../functions/checkReadiness";
import type { ReadinessCheck } from "../../../functions/domain/readiness/checks";
import { alarmTopicName, notificationTopicName } from "../../../infra/names";
import { render } from "../../../tools/preflight/render";
import { region, startLocalEstate } from "../support/localEstate";
import { evidenceRots } from "./readiness/evidence";
import { hostRots } from "./readiness/host";
import { membersRots } from "./readiness/members";
import { peopleRots } from "./readiness/people";
import { functionName, rotting, settings } from "./readiness/rotting";
import { wayRots } from "./readiness/way";

const topics = [notificationTopicName, alarmTopicName];

describe("a deployment that rots, on the local AWS", function () {
    this.timeout(60_000);
    const estate = rotting();
    const slack = createServer((request, response) => {
        request.resume().on("end", () => response.writeHead(estate.slackSays.status).end(estate.slackSays.answer));
    });

    before(async function () {
        this.timeout(600_000);
        slack.listen(0, "127.0.0.1");
        await once(slack, "listening");
        estate.local = await startLocalEstate(settings, {
            beforeDeployment: async (local) => {
                estate.local = local;
                await estate.putImage(await estate.imageOf("x86_64"));
            },
            slackWebhookUrl: `http://127.0.0.1:${(slack.address() as AddressInfo).port}/services/x`,
        });
        estate.subscriptions = estate.local.resources
            .filter(({ type, id }) => /TopicSubscription/.test(type) && topics.includes(id.split(":").at(-2)!) && !/chat/.test(id))
            .map(({ id }) => id);
        const { Environment } = await estate.lambda().send(new GetFunctionConfigurationCommand({ FunctionName: functionName }));
        estate.variables = Environment!.Variables!;
    });
    after(async () => {
        slack.close();
        await estate.local?.stop();
    });

    /** What an operator reads of each check that is not ok, by its id. */
    async function wanting(asked: object = {}): Promise<{ checks: ReadinessCheck[]; lines: Record<string, string> }> {
        const { checks } = (await estate.local.invoke("checkReadiness", asked)) as Readiness;
        const lines = checks
            .filter(({ state }) => state !== "ok")
            .map(
                (each) =>
                    [
                        each.id,
                        render([{ region, checks: [each] }])
                            .split("\n")[0]!
                            .replaceAll(/\s+/g, " "),
                    ] as const,
            );
        return { checks, lines: Object.fromEntries(lines) };
    }

    it("is not all well before somebody has followed the links in AWS's mails", async () => {
        const { lines } = await wanting();
        expect(Object.keys(lines)).to.deep.equal(["emails"]);
        expect(lines.emails).to.match(
            /broken the e-mail subscriptions of the notification and alarm topics: not confirmed: incidents@example\.com \(clean-room-notifications\), incidents@example\.com \(clean-room-alarms\) -> Let each address confirm/,
        );
        for (const arn of estate.subscriptions) await estate.confirm(arn);
    });

    /** Ids of all checks of a deployment that is well, without what they are about. */
    let kinds: Set<string>;
    const kindOf = (id: string) => id.split(" ")[0]!;

    it("is all well then, and says of each thing what was looked at", async () => {
        const { checks, lines } = await wanting({ sendSample: true, sampleWithinSeconds: 45 });
        expect(lines).to.deep.equal({});
        for (const { lookedAt, said, toDo } of checks)
            expect([lookedAt.length > 5, said.length > 5, toDo]).to.deep.equal([true, true, null]);
        kinds = new Set(checks.map(({ id }) => kindOf(id)));
        expect(kinds.size).to.be.above(20);
    });

    const rots = [wayRots, membersRots, hostRots, evidenceRots, peopleRots].flatMap((group) => group(estate));

    for (const { what, breaks, says, asked } of rots)
        it(`is told when ${what}`, async () => {
            const mend = await breaks();
            try {
                const { lines } = await wanting(asked);
                expect(Object.keys(lines).sort(), JSON.stringify(lines, null, 2)).to.deep.equal(Object.keys(says).sort());
                for (const [id, words] of Object.entries(says)) expect(lines[id]).to.match(words);
            } finally {
                await mend();
            }
        });

    it("is all well when everything is mended, and no check is left that nothing broke", async () => {
        expect((await wanting()).lines).to.deep.equal({});
        const broken = new Set(["emails", ...rots.flatMap(({ says }) => Object.keys(says).map(kindOf))]);
        expect([...kinds].filter((kind) => !broken.has(kind))).to.deep.equal([]);
    });
});
