import { expect } from "chai";
import { handler } from "../../functions/isolateInstance";
import { handler as releaseHandler } from "../../functions/releaseInstance";
import type { Containment, Incident } from "../../functions/domain/containers";
import { deniedInstances, denyPolicyName } from "../../functions/domain/planCredentialDeny";
import { MemberAccount } from "../support/memberAccount";
import { incident } from "./inMemoryAws";

const { instance, incidentId } = incident;
const profileArn = (name: string) => `arn:aws:iam::222222222222:instance-profile/${name}`;

/** Credentials that an instance holds although its profile is another by now, and what it made of them. */
describe("credentials of an instance whose profile was swapped", () => {
    let account: MemberAccount;
    beforeEach(() => {
        account = new MemberAccount(incident);
        account.install({});
        // Before the finding came, somebody gave it another profile.
        account.profile = "harmless";
        account.iam.profiles.harmless = "harmless";
        account.iam.otherRoles.set("harmless", new Map());
    });
    afterEach(() => account.remove());
    const contain = (about: Incident = incident) => handler({ incident: about }) as Promise<Containment>;
    const isDenied = (role: string) =>
        deniedInstances((role === "app" ? account.iam.policies : account.iam.otherRoles.get(role))?.get(denyPolicyName) ?? null).length ===
        1;
    const about = (change: { profileArn?: string; identities?: string[] }): Incident => ({
        ...incident,
        finding: {
            ...incident.finding,
            facts: {
                ...incident.finding.facts!,
                identities: change.identities ?? [],
                instance: { ...incident.finding.facts!.instance!, profileArn: change.profileArn ?? null },
            },
        },
    });
    const event = (eventName: string, more: Record<string, unknown>, resources = [instance.instanceId], username?: string) => ({
        resources,
        username,
        record: { eventName, eventTime: "2026-11-28T11:00:00Z", ...more },
    });
    const bySession = (role: string) => ({
        userIdentity: {
            arn: `arn:aws:sts::222222222222:assumed-role/${role}/${instance.instanceId}`,
            sessionContext: { sessionIssuer: { arn: `arn:aws:iam::222222222222:role/${role}`, userName: role } },
        },
    });

    it("are denied on the role that the finding names, and on the one it has now", async () => {
        await contain(about({ profileArn: profileArn("app") }));
        expect([isDenied("app"), isDenied("harmless")]).to.deep.equal([true, true]);
        account.iam.policies.clear();
        account.iam.otherRoles.set("other", new Map());
        await contain(about({ identities: ["ASIAIOSFODNN7EXAMPLE", `AROAIOSFODNN7EXAMPLE:${instance.instanceId}`, "other"] }));
        expect(isDenied("other")).to.equal(true);
    });

    it("are not looked for in roles of another account, nor of another instance's session", async () => {
        account.iam.otherRoles.set("other", new Map());
        await contain(
            about({
                profileArn: "arn:aws:iam::999999999999:instance-profile/app",
                identities: ["ASIAIOSFODNN7EXAMPLE", "AROAIOSFODNN7EXAMPLE:i-00000000000000001", "other"],
            }),
        );
        expect([isDenied("app"), isDenied("other"), isDenied("harmless")]).to.deep.equal([false, false, true]);
    });

    const histories: [string, () => void][] = [
        [
            "its launch",
            () =>
                account.cloudTrail.trail.push(
                    event("RunInstances", {
                        responseElements: { items: [{ instanceId: instance.instanceId, iamInstanceProfile: { arn: profileArn("app") } }] },
                    }),
                ),
        ],
        [
            "an association that CloudTrail files under nothing of its own",
            () =>
                account.cloudTrail.trail.push(
                    event(
                        "AssociateIamInstanceProfile",
                        { requestParameters: { InstanceId: instance.instanceId, IamInstanceProfile: { Arn: profileArn("app") } } },
                        [],
                    ),
                ),
        ],
        ["what it called", () => account.cloudTrail.trail.push(event("ListBuckets", bySession("app"), [], instance.instanceId))],
    ];
    for (const [what, happen] of histories)
        it(`are denied on the role that CloudTrail knows by ${what}, after the cut, and given back at the release`, async () => {
            happen();
            const { steps } = await contain();
            expect([isDenied("app"), isDenied("harmless")]).to.deep.equal([true, true]);
            // Each of the two interfaces changes groups twice.
            const earlier = account.calls.slice(0, account.calls.indexOf("LookupEvents"));
            expect(earlier.filter((call) => call === "ModifyNetworkInterfaceAttribute").length).to.be.at.least(4);
            expect(steps.find(({ name }) => name === "denyRole")!.detail).to.contain("whose credentials CloudTrail saw with the instance");
            await releaseHandler({ incidentId, force: true, acceptRisk: "a test" });
            expect([isDenied("app"), isDenied("harmless")]).to.deep.equal([false, false]);
        });

    it("opened sessions in other roles, which are named as not cut", async () => {
        account.cloudTrail.trail.push(
            event(
                "AssumeRole",
                {
                    ...bySession("app"),
                    requestParameters: { roleArn: "arn:aws:iam::333333333333:role/deploy" },
                    responseElements: {
                        credentials: { expiration: "Nov 28, 2026, 12:00:00 PM" },
                        assumedRoleUser: { arn: "arn:aws:sts::333333333333:assumed-role/deploy/x" },
                    },
                },
                [],
                instance.instanceId,
            ),
        );
        const { uncut, contained } = await contain();
        expect(contained).to.equal(true);
        expect(uncut.join("\n")).to.contain("assumed-role/deploy/x that its credentials opened at 2026-11-28T11:00:00Z, until Nov 28");
    });

    it("cannot be looked for where CloudTrail refuses, which is said, and changes nothing else", async () => {
        account.refusals.set("LookupEvents", "AccessDeniedException");
        const { uncut, contained, steps } = await contain();
        expect(contained).to.equal(true);
        expect(steps.filter(({ outcome }) => outcome === "failed")).to.deep.equal([]);
        expect(uncut.join("\n")).to.contain("not known, CloudTrail did not answer (AccessDeniedException)");
    });

    it("are kept where the configuration says so, on every role", async () => {
        process.env.CONTAIN_CREDENTIALS = "keep";
        histories[2]![1]();
        const { uncut } = await contain(about({ profileArn: profileArn("app") }));
        expect([isDenied("app"), isDenied("harmless")]).to.deep.equal([false, false]);
        expect(uncut.join("\n")).to.contain("kept as configured");
    });

    it("of pods and tasks are named, and what EKS Auto Mode forbids", async () => {
        account.tags = [
            { Key: "kubernetes.io/cluster/prod", Value: "owned" },
            { Key: "aws:ecs:clusterName", Value: "c" },
        ];
        const describe = account.ec2.onDescribeInstances.bind(account.ec2);
        account.ec2.onDescribeInstances = () => {
            const answer = describe({}) as { Reservations: { Instances: object[] }[] };
            Object.assign(answer.Reservations[0]!.Instances[0]!, { Operator: { Managed: true, Principal: "eks.amazonaws.com" } });
            return answer;
        };
        const text = (await contain()).uncut.join("\n");
        expect(text)
            .to.contain("EKS cluster prod (IRSA, EKS Pod Identity)")
            .and.contain("task roles live on")
            .and.contain("eks.amazonaws.com manages");
    });

    it("are denied although somebody had put a policy of our name there, which is overwritten and told", async () => {
        account.iam.otherRoles
            .get("harmless")!
            .set(denyPolicyName, '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}');
        const { steps } = await contain();
        expect(isDenied("harmless")).to.equal(true);
        const step = steps.find(({ name }) => name === "denyCredentials")!;
        expect(step.outcome).to.equal("done");
        expect(step.detail).to.contain("overwritten").and.contain('"Effect":"Allow"');
    });
});
