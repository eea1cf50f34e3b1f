import * as aws from "@pulumi/aws";
import { Kind, drillRange, own, providerOf } from "./support";

/** Tags and names do not excuse. */
export const kind = new Kind("marks", "Tags and names do not excuse");

kind.bad("get-vpc", "clean-room-has-no-gateway", () => {
    const net = aws.ec2.Vpc.get("there", "vpc-0123456789abcdef0");
    new aws.ec2.InternetGateway("g", { vpcId: net.id, tags: drillRange });
});
kind.bad("logs-bucket-by-tag", ["bucket-is-protected", "evidence-bucket-is-protected"], () => {
    new aws.s3.Bucket("evidence", { bucket: "clean-room-evidence-x", tags: { "clean-room:role": "access-logs" } });
});
kind.bad("range-in-the-forensics-account", "clean-room-has-no-gateway", () => {
    const opts = { provider: providerOf(own) };
    const net = new aws.ec2.Vpc("range", { cidrBlock: "10.9.0.0/24", tags: drillRange }, opts);
    new aws.ec2.InternetGateway("gateway", { vpcId: net.id, tags: drillRange }, opts);
});
kind.bad("one-of-its-networks-is-no-range", "clean-room-has-no-gateway", () => {
    const [range, other] = [drillRange, {}].map(
        (tags, index) => new aws.ec2.Vpc(`net-${index}`, { cidrBlock: `10.9.${index}.0/24`, tags }),
    );
    new aws.ec2.InternetGateway("gateway", { vpcId: range!.id, tags: drillRange });
    new aws.ec2.InternetGateway("second", { vpcId: other!.id, tags: drillRange });
});
