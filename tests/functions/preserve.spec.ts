import { expect } from "chai";
import type { Statement } from "../../functions/aws/permissions";
import { parseSettings } from "../../infra/config";
import { memberStatements } from "../../infra/steps";

const evidenceKey = "arn:aws:kms:eu-west-1:111111111111:key/evidence";

describe("keys that a responder may read volumes under", () => {
    const reading = (statements: Statement[]) => statements.filter(({ Sid }) => Sid?.startsWith("UseKeysOfVolumes"));
    const of = (settings: object, accountId: string) =>
        reading(
            memberStatements({
                settings: parseSettings({ forensics: { accountId: "111111111111" }, regions: ["eu-west-1"], ...settings }),
                partition: "aws",
                accountId,
                evidenceKeyArns: [evidenceKey],
            }),
        );
    const listed = { members: [{ accountId: "222222222222" }] };

    it("are the account's own, and those of the accounts that are named, through EBS alone", () => {
        expect(of(listed, "222222222222").map(({ Resource }) => Resource)).to.deep.equal([
            ["arn:aws:kms:*:222222222222:key/*", evidenceKey],
        ]);
        const named = of({ ...listed, evidence: { volumeKeyAccounts: ["333333333333"] } }, "222222222222");
        expect(named.map(({ Resource }) => Resource)).to.deep.equal([
            ["arn:aws:kms:*:222222222222:key/*", "arn:aws:kms:*:333333333333:key/*", evidenceKey],
        ]);
        for (const { Condition } of named) expect(Condition!.StringLike).to.deep.equal({ "kms:ViaService": "ec2.*.amazonaws.com" });
    });

    it("are any of the organisation's in its accounts, and of nobody else", () => {
        const organization = { organizationId: "o-a1b2c3d4e5", organizationalUnitIds: ["ou-abcd-11111111"] };
        const statements = of({ organization }, "222222222222");
        expect(statements).to.have.length(1);
        for (const { Resource, Condition } of statements) {
            expect(Resource).to.deep.equal(["arn:aws:kms:*:*:key/*"]);
            expect(Condition!.StringEquals).to.deep.equal({ "aws:ResourceOrgID": "o-a1b2c3d4e5" });
            expect(Condition!.StringLike).to.deep.equal({ "kms:ViaService": "ec2.*.amazonaws.com" });
        }
        // A listed account may stand outside of it: there the condition would close its own keys.
        expect(of({ organization, ...listed }, "222222222222")[0]!.Condition).to.not.have.property("StringEquals");
    });
});
