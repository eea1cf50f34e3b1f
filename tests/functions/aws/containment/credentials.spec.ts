import { setTimeout } from "node:timers/promises";
import { expect } from "chai";
import { allowCredentials, denyCredentials, instanceArn } from "../../../../functions/aws/containment/credentials";
import { victimOf } from "../../../../functions/aws/victim";
import { deniedInstances, denyPolicyName } from "../../../../functions/domain/planCredentialDeny";
import { MemberAccount } from "../../../support/memberAccount";
import { incident } from "../../inMemoryAws";

const profile = "arn:aws:iam::222222222222:instance-profile/app";
const instances = ["1", "2", "3", "4", "5"].map((digit) => ({ ...incident.instance, instanceId: `i-0000000000000000${digit}` }));

describe("credentials of instances that share a role", function () {
    this.timeout(30_000);
    let account: MemberAccount;
    beforeEach(() => {
        account = new MemberAccount(incident);
        account.install({});
        // IAM takes a while for a change, in which others read the policy as it was.
        const put = account.iam.onPutRolePolicy.bind(account.iam);
        account.iam.onPutRolePolicy = (input) => setTimeout(20).then(() => put(input));
    });
    afterEach(() => account.remove());
    const denied = () => deniedInstances(account.iam.policies.get(denyPolicyName) ?? null);

    it("are all denied when their incidents come at the same moment", async () => {
        const results = await Promise.all(
            instances.map((each) => denyCredentials(profile, victimOf(each, `incident-of-${each.instanceId}`))),
        );
        expect(results.map(({ outcome }) => outcome)).to.deep.equal(instances.map(() => "done"));
        expect(denied()).to.deep.equal(instances.map(instanceArn));
    });

    it("are given back alone, also while others are being denied", async () => {
        await denyCredentials(profile, victimOf(instances[0]!, "incident-1"));
        await Promise.all([
            allowCredentials(profile, victimOf(instances[0]!, "incident-1")),
            ...instances.slice(1).map((each) => denyCredentials(profile, victimOf(each, `incident-of-${each.instanceId}`))),
        ]);
        expect(denied()).to.deep.equal(instances.slice(1).map(instanceArn));
    });

    it("are denied although a function that had the lock ended with it, or the table cannot be reached", async () => {
        account.refusals.set("UpdateItem", "AccessDeniedException");
        await denyCredentials(profile, victimOf(instances[0]!, "incident-1"));
        expect(denied()).to.deep.equal([instanceArn(instances[0]!)]);
        account.refusals.clear();
        account.table.items.set("role#222222222222/app", {
            pk: { S: "role#222222222222/app" },
            holder: { S: "gone" },
            until: { N: String(Date.now() + 300) },
        });
        await denyCredentials(profile, victimOf(instances[1]!, "incident-2"));
        expect(denied()).to.deep.equal([instanceArn(instances[0]!), instanceArn(instances[1]!)]);
        expect(Number(account.table.items.get("role#222222222222/app")!.until!.N)).to.equal(0);
    });
});
