import * as aws from "@pulumi/aws";
import { Kind, allow, doc, trust } from "./support";

/** Roles. */
export const kind = new Kind("roles", "Roles");

kind.bad("role-notresource", "role-has-no-wildcards", () => {
    new aws.iam.RolePolicy("r", { role: "r", policy: doc(allow({ Action: ["s3:GetObject"], NotResource: "arn:aws:s3:::x/*" })) });
});
kind.bad("user-policy-star", "role-has-no-wildcards", () => {
    new aws.iam.UserPolicy("r", { user: "r", policy: doc(allow({ Action: ["ec2:RunInstances"], Resource: "*" })) });
});
kind.bad("question-mark", "role-has-no-wildcards", () => {
    new aws.iam.RolePolicy("r", { role: "r", policy: doc(allow({ Action: ["s3:Get?bject"], Resource: "arn:aws:s3:::x/*" })) });
});
kind.bad("admin-by-group", "no-full-access-policy", () => {
    new aws.iam.GroupPolicyAttachment("g", { group: "g", policyArn: "arn:aws-us-gov:iam::aws:policy/AdministratorAccess" });
});
kind.bad("iam-full-access", "no-full-access-policy", () => {
    new aws.iam.Role("g", {
        assumeRolePolicy: trust("lambda.amazonaws.com"),
        managedPolicyArns: ["arn:aws:iam::aws:policy/IAMFullAccess"],
    });
});
