import * as aws from "@pulumi/aws";

new aws.ssm.Parameter("channel", { name: "/clean-room/channel", type: "String", value: "https://hooks.slack.com/services/T000/B000/XXXX" });
