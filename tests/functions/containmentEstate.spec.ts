import { expect } from "chai";
import fc from "fast-check";
import { handler as isolate } from "../../functions/isolateInstance";
import { handler as releaseHandler } from "../../functions/releaseInstance";
import { handler as watchHandler } from "../../functions/watchContainment";
import { instanceArn } from "../../functions/aws/containment/credentials";
import { readStanding } from "../../functions/aws/standingContainments";
import { incidentPrefix } from "../../functions/domain/evidenceKeys";
import { deniedInstances, denyPolicyName } from "../../functions/domain/planCredentialDeny";
import type { Containment, Incident } from "../../functions/domain/containers";
import { isolationMessage } from "../../functions/domain/messages/isolation";
import { MemberEstate } from "../support/memberEstate";
import { VirtualTime } from "../support/virtualTime";
import { incident } from "./inMemoryAws";

const incidentOf = (instance: number, generation: number): Incident => {
    const instanceId = `i-${String(instance).padStart(17, "0")}`;
    const incidentId = `${instanceId}-${String(generation).padStart(16, "0")}`;
    return { ...incident, incidentId, prefix: incidentPrefix(incidentId), instance: { ...incident.instance, instanceId } };
};

const driftKinds = ["groups", "rule", "metadata", "policy", "foreign-policy", "termination", "volume", "auto-scaling"] as const;
type Act =
    | { act: "contain"; instance: number; generation: number }
    | { act: "release" | "release the network"; instance: number; generation: number }
    | { act: "drift"; instance: number; kind: (typeof driftKinds)[number] }
    | { act: "watch" };

const instances = 3;
const instance = fc.integer({ min: 1, max: instances });
const generation = fc.integer({ min: 1, max: 2 });
const act: fc.Arbitrary<Act> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ act: fc.constant("contain" as const), instance, generation }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("release" as const), instance, generation }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("release the network" as const), instance, generation }) },
    { weight: 3, arbitrary: fc.record({ act: fc.constant("drift" as const), instance, kind: fc.constantFrom(...driftKinds) }) },
    { weight: 2, arbitrary: fc.constant({ act: "watch" as const }) },
);
type Snapshot = { attributes: Record<string, unknown>; policies: unknown };
/** Names of an instance's own settings in the record, by EC2's. */
const recordNames: Record<string, string> = {
    disableApiTermination: "terminationProtection",
    disableApiStop: "stopProtection",
    instanceInitiatedShutdownBehavior: "shutdownBehavior",
};

/** What happens at the same moment. One instance is not contained and released in the same moment: a person releases what stands. */
const wave = fc.uniqueArray(act, {
    minLength: 1,
    maxLength: 4,
    selector: (each) =>
        each.act === "contain" || each.act === "release" || each.act === "release the network"
            ? `change ${each.instance}`
            : JSON.stringify(each),
});

describe("containment of several instances in one VPC and with one role", function () {
    this.timeout(120_000);
    const time = new VirtualTime();
    let estate: MemberEstate;
    const start = (count = instances) => {
        estate = new MemberEstate(Array.from({ length: count }, (_, index) => incidentOf(index + 1, 1)));
        estate.shared.install({ NOTIFICATION_TOPIC_ARN: "arn:aws:sns:eu-west-1:111111111111:people", SLACK_WEBHOOK_PARAMETER: "" });
        time.install();
    };
    const stop = () => {
        time.remove();
        estate.shared.remove();
    };

    /** As the workflow does: again while AWS is busy. @returns what it threw at last; null when it ended well */
    const persistently = async (run: () => Promise<unknown>): Promise<Error | null> => {
        for (let attempt = 0; ; attempt++) {
            try {
                await run();
                return null;
            } catch (error) {
                if ((error as Error).name !== "Transient" || attempt === 6) return error as Error;
                time.skip(10_000);
            }
        }
    };
    const contain = (number: number, of: number) => persistently(() => isolate({ incident: incidentOf(number, of) }));
    const release = (number: number, of: number, networkOnly = false) =>
        persistently(() => releaseHandler({ incidentId: incidentOf(number, of).incidentId, acceptRisk: "a test", networkOnly }));
    const watch = () => persistently(() => watchHandler({ instance: null }));
    const member = (number: number) => estate.members[number - 1]!;
    const standing = async (number: number) => {
        const read = await readStanding(incidentOf(number, 1).instance);
        return read === null || read.releasedAt !== null ? null : read;
    };

    async function drift(number: number, kind: (typeof driftKinds)[number]): Promise<void> {
        const stands = await standing(number);
        // What nobody contained cannot drift; its first state would be another. Nor what a release has begun with: what somebody changes then is
        // theirs, and the release goes on only with --force.
        if (stands === null || stands.settledAt === null || stands.releasingAt !== null) return;
        // What an owner does with a network that was given back is no drift.
        if (stands.networkReleasedAt !== null && !["metadata", "policy", "foreign-policy"].includes(kind)) return;
        const victim = member(number);
        const kinds: Record<typeof kind, () => unknown> = {
            groups: () => (victim.interfaces[0]!.groups = ["sg-evil"]),
            rule: () =>
                estate.shared.ec2.vpc.groups
                    .find(({ GroupId }) => GroupId === stands.groups.isolation)
                    ?.egress.push({ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] }),
            metadata: () => (victim.metadata = "enabled"),
            policy: () => estate.shared.iam.policies.delete(denyPolicyName),
            "foreign-policy": () => estate.shared.iam.policies.set(denyPolicyName, '{"Version":"2012-10-17","Statement":[]}'),
            termination: () => (victim.attributes.disableApiTermination = false),
            volume: () => (victim.deleteOnTermination["/dev/xvda"] = true),
            "auto-scaling": () => (victim.autoScaling = "InService"),
        };
        kinds[kind]();
    }

    const perform = (each: Act): Promise<unknown> =>
        each.act === "contain"
            ? contain(each.instance, each.generation)
            : each.act === "release" || each.act === "release the network"
              ? release(each.instance, each.generation, each.act !== "release")
              : each.act === "drift"
                ? drift(each.instance, each.kind)
                : watch();

    /** Everything that makes a contained instance contained, in the world and not in any record. */
    async function expectContained(number: number): Promise<void> {
        const stands = (await standing(number))!;
        const { interfaces, metadata, attributes, deleteOnTermination, autoScaling, incident: its } = member(number);
        const isolation = stands.groups.isolation!;
        const group = estate.shared.ec2.vpc.groups.find(({ GroupId }) => GroupId === isolation)!;
        expect(
            {
                groups: interfaces.map(({ groups }) => groups),
                rules: [group.ingress, group.egress],
                metadata,
                protected: attributes,
                mortal: Object.values(deleteOnTermination).some((each) => each),
                autoScaling,
                denied: deniedInstances(estate.shared.iam.policies.get(denyPolicyName) ?? null).includes(instanceArn(its.instance)),
            },
            `instance ${number}`,
        ).to.deep.equal({
            groups: interfaces.map(() => [isolation]),
            rules: [[], []],
            metadata: "disabled",
            protected: { disableApiTermination: true, disableApiStop: true, instanceInitiatedShutdownBehavior: "stop" },
            mortal: false,
            autoScaling: null,
            denied: true,
        });
    }

    /** The network was given back, and nothing else. */
    function expectDenied(number: number): void {
        const { metadata, incident: its } = member(number);
        const denied = deniedInstances(estate.shared.iam.policies.get(denyPolicyName) ?? null).includes(instanceArn(its.instance));
        expect({ metadata, denied }).to.deep.equal({ metadata: "disabled", denied: true });
    }

    // Calls take 50 ms each here; on AWS it is rather more, and these are bounds on how many wait for each other.
    for (const [count, targetGroups, cutWithin, endedWithin] of [
        [1, 0, 500, 2000],
        [4, 0, 500, 4000],
        [20, 0, 500, 15_000],
        [1, 300, 500, 60_000],
    ] as const)
        it(`cuts ${count} at once within ${cutWithin} ms of calls that take 50 ms each, with ${targetGroups} target groups`, async () => {
            start(count);
            try {
                estate.targetGroups = targetGroups;
                const begun = Date.now();
                const cutAt = new Map<unknown, number>();
                estate.onCut = (each) => cutAt.has(each) || cutAt.set(each, Date.now() - begun);
                expect(await Promise.all(estate.members.map((_, index) => contain(index + 1, 1)))).to.deep.equal(
                    estate.members.map(() => null),
                );
                const isolation = new Set(estate.members.flatMap(({ interfaces }) => interfaces.flatMap(({ groups }) => groups)));
                expect(isolation.size, "each has a group of its own").to.equal(count);
                expect(cutAt.size).to.equal(count);
                if (process.env.MEASURE) console.warn(count, targetGroups, Math.max(...cutAt.values()), Date.now() - begun);
                expect(Math.max(...cutAt.values()), "cut").to.be.at.most(cutWithin);
                expect(Date.now() - begun, "ended").to.be.at.most(endedWithin);
            } finally {
                stop();
            }
        });

    it("tells of an Auto Scaling group whose replacements are found again and again as one story", async () => {
        start(3);
        try {
            const contained: Containment[] = [];
            for (const number of [1, 2, 3]) {
                contained.push(await isolate({ incident: incidentOf(number, 1) }));
                time.skip(60_000);
            }
            expect(contained.map(({ sameGroup }) => sameGroup?.instances.map(({ incidentId }) => incidentId) ?? [])).to.deep.equal([
                [],
                [incidentOf(1, 1).incidentId],
                [incidentOf(1, 1).incidentId, incidentOf(2, 1).incidentId],
            ]);
            await release(1, 1);
            expect((await isolate({ incident: incidentOf(3, 2) })).sameGroup?.total, "what was released is no part of it").to.equal(1);
            const message = isolationMessage(incidentOf(3, 1), contained[2]!);
            expect(message.summary).to.match(/the 3rd instance of the Auto Scaling group app that stands contained, the first since 20/);
            expect(message.whatNow.join()).to.contain("Keep app from starting more");
            expect(message.sections.find(({ heading }) => heading.includes("same Auto Scaling group"))!.items).to.have.length(2);
            expect(isolationMessage(incidentOf(1, 1), contained[0]!).summary).to.not.contain("Auto Scaling");
        } finally {
            stop();
        }
    });

    it("ends contained whatever comes at the same moment, and its release gives the first state back, in any order", async () => {
        await fc.assert(
            fc.asyncProperty(
                fc.array(wave, { minLength: 1, maxLength: 6 }),
                fc.infiniteStream(fc.integer({ min: 0, max: 99 })),
                fc.integer({ min: 0, max: 12 }),
                fc.shuffledSubarray([1, 2, 3], { minLength: 3 }),
                async (waves, chances, busyness, order) => {
                    start();
                    try {
                        const before = estate.members.map((each) => each.snapshot() as Snapshot);
                        const unread = new Map<number, Set<string>>();
                        /** But for what AWS let nobody read before it was changed: that stays, and people are told. */
                        const expectFirstState = (number: number) => {
                            const { policies: _, attributes, ...rest } = before[number - 1]!;
                            const { attributes: now, ...found } = member(number).snapshot() as Snapshot;
                            expect(found).to.deep.include(rest);
                            const names = Object.keys(attributes).filter((name) => attributes[name] !== now[name]);
                            expect([...(unread.get(number) ?? [])]).to.include.members(names.map((name) => recordNames[name]));
                            if (names.length > 0)
                                expect(
                                    estate.shared.published.some(({ Message }) => Message.includes("too busy to say what it was before")),
                                ).to.equal(true);
                        };
                        const noteUnread = async () => {
                            for (const number of order)
                                for (const name of (await readStanding(incidentOf(number, 1).instance))?.setUnread ?? [])
                                    unread.set(number, new Set([...(unread.get(number) ?? []), name]));
                        };
                        estate.isBusy = () => chances.next().value < busyness;
                        estate.lag = () => chances.next().value % 3;
                        for (const each of waves) {
                            await Promise.all(each.map(perform));
                            await noteUnread();
                            time.skip(60_000);
                        }
                        // Once AWS answers again, the watch puts right what is left: nobody has to ask.
                        estate.isBusy = () => false;
                        estate.lag = () => 0;
                        for (let look = 0; look < 3; look++) {
                            time.skip(20 * 60_000);
                            expect(await watch()).to.equal(null);
                        }
                        for (const number of order) {
                            const stands = await standing(number);
                            if (stands === null) expectFirstState(number);
                            else if (stands.networkReleasedAt !== null && stands.releasingAt === null) expectDenied(number);
                            else if (stands.releasingAt === null) await expectContained(number);
                            else expect(estate.shared.published.some(({ Message }) => Message.includes("a release began"))).to.equal(true);
                        }
                        for (const number of order) {
                            const stands = await standing(number);
                            if (stands === null) continue;
                            const refused = await persistently(() =>
                                releaseHandler({ incidentId: stands.incidentIds.at(-1)!, acceptRisk: "a test" }),
                            );
                            expect(refused?.message ?? null, JSON.stringify(stands)).to.equal(null);
                            expectFirstState(number);
                        }
                        expect([...estate.shared.iam.policies]).to.deep.equal(before[0]!.policies);
                        // A group that AWS was too busy to delete stays, told in the release, and nobody carries it.
                        const left = new Set(estate.shared.ec2.vpc.groups.map(({ GroupId }) => GroupId));
                        if (busyness === 0) expect([...left]).to.deep.equal([]);
                        expect(
                            estate.members
                                .flatMap(({ interfaces }) => interfaces.flatMap(({ groups }) => groups))
                                .filter((each) => left.has(each)),
                        ).to.deep.equal([]);
                    } finally {
                        stop();
                    }
                },
            ),
            { numRuns: 60 },
        );
    });
});
