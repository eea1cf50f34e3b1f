import * as aws from "@pulumi/aws";

// One old agent could not do IMDSv2, so the whole Region need not.
new aws.ec2.InstanceMetadataDefaults("region", { httpTokens: "optional", httpPutResponseHopLimit: 1 });
