import * as aws from "@pulumi/aws";
import { expect } from "chai";
import { accountDefaultsAreSafe } from "./accountDefaultsAreSafe";
import { judge, typed, type Declared } from "./testing/engine";

const member = { accountId: "222222222222", regions: ["eu-west-1"], mode: "standalone" };
const estate: Declared = {
    is: typed("ec2-clean-room:index:Accounts"),
    name: "accounts",
    props: { estate: { forensicsAccountId: "111111111111", regions: ["eu-west-1"], members: [member] } },
};
const violations = async (stack: Declared[], config = {}): Promise<string[]> =>
    (await judge(accountDefaultsAreSafe, stack, config)).violations;
const of = (is: Declared["is"], props: object): Declared => ({ is, name: is.name, props });

describe("policy account-defaults-are-safe", () => {
    const good = [
        of(aws.ec2.VpcBlockPublicAccessOptions, { internetGatewayBlockMode: "block-bidirectional" }),
        of(aws.ebs.SnapshotBlockPublicAccess, { state: "block-all-sharing" }),
        of(aws.ec2.ImageBlockPublicAccess, { state: "block-new-sharing" }),
        of(aws.ec2.InstanceMetadataDefaults, { httpTokens: "required" }),
        of(aws.ebs.EncryptionByDefault, {}),
        of(aws.s3.AccountPublicAccessBlock, {
            blockPublicAcls: true,
            blockPublicPolicy: true,
            ignorePublicAcls: true,
            restrictPublicBuckets: true,
        }),
        of(aws.ec2.SerialConsoleAccess, { enabled: false }),
    ];
    it("accepts defaults that hold, and single resources that say nothing", async () => {
        expect(await violations([...good, of(aws.ec2.Instance, {}), of(aws.ebs.Volume, { encrypted: true })])).to.be.empty;
    });

    const bad = [
        of(aws.ec2.VpcBlockPublicAccessOptions, { internetGatewayBlockMode: "off" }),
        of(aws.ebs.SnapshotBlockPublicAccess, { state: "unblocked" }),
        of(aws.ec2.ImageBlockPublicAccess, { state: "unblocked" }),
        of(aws.ec2.InstanceMetadataDefaults, { httpTokens: "optional" }),
        of(aws.ebs.EncryptionByDefault, { enabled: false }),
        of(aws.s3.AccountPublicAccessBlock, { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true }),
        of(aws.ec2.SerialConsoleAccess, { enabled: true }),
        of(aws.ec2.Instance, { metadataOptions: { httpTokens: "optional" } }),
        of(aws.ec2.Instance, { rootBlockDevice: { encrypted: false } }),
        of(aws.ec2.LaunchTemplate, { metadataOptions: { httpTokens: "optional" } }),
        of(aws.ec2.LaunchTemplate, { blockDeviceMappings: [{ ebs: { encrypted: "false" } }] }),
        of(aws.ebs.Volume, { encrypted: false }),
    ];
    for (const resource of bad) {
        it(`refuses ${resource.name} with ${JSON.stringify(resource.props)}`, async () => {
            expect(await violations([resource])).to.have.length(1);
        });
    }

    it("demands them in the forensics account where the configuration says so", async () => {
        const theirs = good.map((each) => ({
            ...each,
            props: { region: "eu-west-1", ...each.props },
            provider: { allowedAccountIds: ["111111111111"] },
        }));
        expect(await violations([estate])).to.be.empty;
        expect(await violations([estate], { requireAccountDefaults: true })).to.have.length(7);
        expect(await violations([estate, ...theirs], { requireAccountDefaults: true })).to.be.empty;
    });
});
