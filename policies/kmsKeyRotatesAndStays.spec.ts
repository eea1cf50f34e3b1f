import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { kmsKeyRotatesAndStays } from "./kmsKeyRotatesAndStays";
import { document, judge, unknownString, type Verdict } from "./testing/engine";

const [forensics, member] = ["111111111111", "222222222222"];
const allow = (account: string, ...actions: string[]): object => ({
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${account}:root` },
    Action: actions,
    Resource: "*",
});
const key = (props: object, provider?: object): Promise<Verdict> =>
    judge(kmsKeyRotatesAndStays, [{ is: aws.kms.Key, name: "evidence", props: { enableKeyRotation: true, ...props }, provider }]);
const policy = async (...statements: object[]): Promise<string[]> => (await key({ policy: document(...statements) })).violations;

describe("policy kms-key-rotates-and-stays", () => {
    it("accepts a rotating key that members may use and its own account administers", async () => {
        expect(await policy(allow(forensics, "kms:*"), allow(member, "kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:CreateGrant")))
            .to.be.empty;
    });

    it("refuses a key that does not rotate, or may not", async () => {
        expect((await key({ enableKeyRotation: undefined })).violations).to.deep.equal([
            `KMS key "evidence" (aws:kms/key:Key) has enableKeyRotation = undefined; set it to true.`,
        ]);
        expect((await key({ enableKeyRotation: unknownString })).violations).to.have.length(1);
    });

    it("asks no rotation of a signing key, which AWS cannot rotate", async () => {
        expect((await key({ enableKeyRotation: undefined, keyUsage: "SIGN_VERIFY", customerMasterKeySpec: "ECC_NIST_P256" })).violations).to
            .be.empty;
    });

    for (const action of ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:Schedule*", "kms:Put?eyPolicy", "KMS:*", "*"]) {
        it(`refuses ${action} for a member`, async () => {
            const messages = await policy(allow(forensics, "kms:*"), allow(member, action));
            expect(messages.some((message) => message.includes(`account ${member}`) && message.includes(action))).to.equal(true);
        });
    }

    it("names only the member when the provider says whose key it is", async () => {
        for (const allowedAccountIds of [[forensics], JSON.stringify([forensics])]) {
            const { violations } = await key(
                { policy: document(allow(forensics, "kms:*"), allow(member, "kms:*")) },
                { allowedAccountIds },
            );
            expect(violations).to.have.length(1);
            expect(violations[0]).to.include(`account ${member}`);
        }
        expect((await key({ policy: document(allow(member, "kms:*")) }, { allowedAccountIds: [forensics] })).violations).to.have.length(1);
    });

    it("refuses anyone, also by what is not listed", async () => {
        expect(await policy({ Effect: "Allow", Principal: "*", Action: "kms:*", Resource: "*" })).to.have.length(1);
        expect(await policy({ Effect: "Allow", NotPrincipal: { AWS: forensics }, Action: "kms:DisableKey", Resource: "*" })).to.have.length(
            1,
        );
    });

    it("judges a key policy of its own, and leaves an unknown one to the update", async () => {
        const bad = document(allow(forensics, "kms:*"), allow(member, "kms:*"));
        expect(
            (await judge(kmsKeyRotatesAndStays, [{ is: aws.kms.KeyPolicy, name: "evidence", props: { policy: bad } }])).violations,
        ).to.have.length(1);
        expect(await key({ policy: unknownString }))
            .to.have.property("deferred")
            .with.length(1);
    });
});
