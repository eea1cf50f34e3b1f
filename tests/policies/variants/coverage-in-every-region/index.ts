import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const regions = ["eu-west-1", "us-east-1"];
class Accounts extends pulumi.ComponentResource {
    constructor() {
        super("ec2-clean-room:index:Accounts", "accounts");
        this.registerOutputs({
            estate: {
                forensicsAccountId: "111111111111",
                regions,
                hasOrganization: false,
                mode: "standalone",
                existingRegions: [],
                members: [{ accountId: "222222222222", regions, mode: "standalone", forwards: false }],
            },
        });
    }
}
new Accounts();

// AWS's plug-in asks whose credentials it was given before it lets a tied provider do anything. With a key that is not known yet it waits, so no account is needed.
const deployer = new aws.iam.AccessKey("deployer", { user: "deployer" });
const provider = (accountId: string): aws.Provider =>
    new aws.Provider(accountId, {
        region: "eu-west-1",
        allowedAccountIds: [accountId],
        accessKey: deployer.id,
        secretKey: deployer.secret,
    });
const forensics = provider("111111111111");
const member = provider("222222222222");

new aws.iam.Role(
    "responder",
    {
        name: "clean-room-responder",
        assumeRolePolicy: JSON.stringify({
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Principal: { AWS: "arn:aws:iam::111111111111:root" }, Action: "sts:AssumeRole" }],
        }),
    },
    { provider: member },
);
for (const region of regions) {
    new aws.cloudwatch.EventRule(
        `findings-${region}`,
        { region, eventPattern: JSON.stringify({ source: ["aws.guardduty"] }) },
        { provider: forensics },
    );
}
// Two detectors, as many as there are pairs; but the second one is the forensics account's.
new aws.guardduty.Detector("eu-west-1", { region: "eu-west-1", enable: true }, { provider: member });
new aws.guardduty.Detector("us-east-1", { region: "us-east-1", enable: true }, { provider: forensics });
