/** Whoever looks for an incident in the logs finds every line about it: each function's, from the finding to the release. */
import { expect } from "chai";
import { secondsToContained } from "../../functions/domain/measures";
import { look } from "../faults/look";
import { Cloud } from "../support/cloud/cloud";
import { invocations } from "../support/cloud/lambdas";

import { fixtureText, victim } from "./domain/messageFixtures";

interface Line {
    handler: string;
    text: string;
}

/** Lines that are about no incident, or about several. */
const aboutNone: readonly { handler: string; message: RegExp }[] = [
    // A look over everything that stands.
    { handler: "watchContainment", message: /^WatchContainment done$/ },
    { handler: "sweepEvidence", message: /^evidence of open cases$/ },
];

describe("the functions' logs", function () {
    this.timeout(60_000);
    let lines: Line[];
    let incidentId: string;

    before(async () => {
        lines = [];
        const cloud = new Cloud();
        const member = cloud.member(victim.accountId, victim.instanceId);
        member.addInstance(victim.instanceId);
        cloud.install("2026-12-06T10:00:00.000Z");
        const print = console.log;
        console.log = (text: string) => void lines.push({ handler: invocations.getStore()?.handler ?? "workflow", text });
        try {
            cloud.deliver("message-1", fixtureText("eventbridge"));
            await cloud.clock.until(cloud.quiet());
            incidentId = [...cloud.executions.keys()][0]!;
            // Somebody opens an interface; the watch finds it. The sweep looks after the case, and it is released.
            member.ec2.vpc.faces.get(victim.instanceId)![0]!.groups = ["sg-app"];
            cloud.lambdas.leave("watchContainment", {});
            await cloud.clock.until(cloud.quiet());
            cloud.lambdas.leave("sweepEvidence", {});
            await cloud.clock.until(cloud.quiet());
            await cloud.clock.until(cloud.release({ incidentId, force: false, acceptRisk: "the specs plant a compromise" }));
            await cloud.clock.until(cloud.quiet());
            expect(look(cloud, victim.instanceId).executions).to.deep.equal(["SUCCEEDED"]);
        } finally {
            console.log = print;
            cloud.remove();
        }
    });

    it("are JSON, a line each, with a message that holds no untrusted text", () => {
        for (const { handler, text } of lines) {
            const { message } = JSON.parse(text) as { message: string };
            expect(text, handler).not.to.contain("\n");
            expect(message, handler).to.be.a("string");
            expect(message, handler).not.to.contain(victim.instanceId);
        }
    });

    it("come from every function that an incident goes through", () => {
        expect(new Set(lines.map(({ handler }) => handler))).to.include.all.keys(
            "startIncident",
            "isolateInstance",
            "openTicket",
            "notifyIsolation",
            "createSnapshots",
            "captureMetadata",
            "openEndpoints",
            "startForensicInstance",
            "attachEvidenceVolumes",
            "checkSsm",
            "runAnalysis",
            "sendFirstLook",
            "sendReport",
            "tearDown",
            "closeEndpoints",
            "sealCustody",
            "watchContainment",
            "sweepEvidence",
            "releaseInstance",
        );
    });

    it("count an incident's containment once, with the seconds that it took, as the dashboard shows them", () => {
        const counted = lines
            .map(
                ({ text }) =>
                    JSON.parse(text) as Record<string, unknown> & { _aws?: { CloudWatchMetrics: { Metrics: { Name: string }[] }[] } },
            )
            .filter(({ _aws }) =>
                _aws?.CloudWatchMetrics.some(({ Metrics }) => Metrics.some(({ Name }) => Name === secondsToContained.name)),
            );
        expect(counted).to.have.length(1);
        expect(counted[0]![secondsToContained.name]).to.be.a("number").within(0, 60);
        expect(counted[0]).to.deep.include({ message: "instance contained", incidentId });
    });

    it("name the incident in every line", () => {
        const without = lines
            .map(({ handler, text }) => ({ handler, line: JSON.parse(text) as { message: string; incidentId?: string } }))
            .filter(({ line }) => line.incidentId !== incidentId)
            .filter(({ handler, line }) => !aboutNone.some((each) => each.handler === handler && each.message.test(line.message)))
            .map(({ handler, line }) => `${handler}: ${JSON.stringify(line).slice(0, 200)}`);
        expect(without).to.deep.equal([]);
    });
});
