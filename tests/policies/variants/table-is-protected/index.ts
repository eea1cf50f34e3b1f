import * as aws from "@pulumi/aws";

new aws.dynamodb.Table("incidents", {
    attributes: [{ name: "id", type: "S" }],
    hashKey: "id",
    billingMode: "PAY_PER_REQUEST",
    deletionProtectionEnabled: true,
});
