/** A victim whose role the responder may never write to: the whole workflow, in memory. */
import { expect } from "chai";
import { neverWritten } from "../../functions/aws/containment/permissions";
import { containmentSchema } from "../../functions/domain/containers";
import { look } from "../faults/look";
import { awsError } from "../support/aws/errors";
import { Cloud } from "../support/cloud/cloud";
import { fixtureText, victim } from "./domain/messageFixtures";

/** As IAM reads the resources of the responder's deny. The role's path is not part of its name. */
const isProtected = (role: string, path: string): boolean =>
    neverWritten.some((name) =>
        new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("\\*", ".*")}$`).test(`${path}${role}`),
    );

describe("a victim whose role is protected", function () {
    this.timeout(30_000);

    async function respond(role: string, path: string) {
        const cloud = new Cloud();
        const member = cloud.member(victim.accountId, victim.instanceId);
        member.addInstance(victim.instanceId);
        member.iam.profiles = { app: role };
        member.iam.otherRoles.set(role, new Map());
        cloud.intercept = (request, effect) =>
            request.operation === "PutRolePolicy" && isProtected(request.input.RoleName as string, path)
                ? Promise.reject(Object.assign(awsError("AccessDenied"), { $metadata: { httpStatusCode: 403 } }))
                : Promise.resolve(effect());
        cloud.install("2026-12-05T10:00:00.000Z");
        try {
            cloud.deliver("message-1", fixtureText("eventbridge"));
            await cloud.clock.until(cloud.quiet());
            const key = [...cloud.s3.objects.keys()].find((each) => each.endsWith("/containment.json"))!;
            return {
                seen: look(cloud, victim.instanceId),
                slack: cloud.slack.map(({ text }) => text),
                containment: containmentSchema.parse(JSON.parse(cloud.s3.objects.get(key)!)),
                page: cloud.s3.objects.get(key.replace("containment.json", "report/report.html"))!,
            };
        } finally {
            cloud.remove();
        }
    }

    for (const [role, path] of [
        ["OrganizationAccountAccessRole", ""],
        ["AWSControlTowerExecution", ""],
        ["AWSReservedSSO_Admins_0123456789abcdef", "aws-reserved/sso.amazonaws.com/"],
        ["stacksets-exec-0123456789abcdef", ""],
        ["clean-room-responder", "security/"],
    ] as const)
        it(`such as ${role} is contained and preserved all the same, and people hear at once that its credentials are not cut`, async () => {
            const { seen, slack, containment, page } = await respond(role, path);
            expect(seen).to.deep.include({ contained: true, preserved: 2, report: true, sealed: true, left: [] });
            expect(seen.executions).to.deep.equal(["SUCCEEDED"]);
            // The first message, and by its title.
            expect(seen.told[0]).to.match(/^Contained, credentials NOT cut: /);
            const [failed, ...others] = containment.steps.filter(({ outcome }) => outcome === "failed");
            expect(others).to.deep.equal([]);
            expect(failed).to.include({ name: "denyCredentials" });
            expect(failed!.detail).to.contain(`the role ${role}`);
            expect(containment.steps.find(({ name }) => name === "disableMetadata")).to.include({ outcome: "done" });
            // What to type, whole.
            const arn = `arn:aws:ec2:${victim.region}:${victim.accountId}:instance/${victim.instanceId}`;
            expect(slack[0]).to.contain(`--policy-name contained-by-hand-${victim.instanceId}`);
            expect(slack[0]).to.contain("aws iam put-role-policy").and.to.contain(arn);
            const report = slack.find((text) => text.includes('"Report:'));
            expect(report).to.contain("credentials are NOT cut");
            expect(page).to.contain("Its credentials are NOT cut").and.to.contain(`the role ${role}`);
        });

    it("is told of none whose role may be written", async () => {
        const { seen, page } = await respond("web", "");
        expect(seen.told[0]).to.match(/^Contained: /);
        expect(page).not.to.contain("NOT cut");
    });
});
