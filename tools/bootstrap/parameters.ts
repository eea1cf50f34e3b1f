/** What whoever deploys a bootstrap template gives it. */
import type { AccountKind } from "./estates";

type Json = Record<string, unknown>;

const principal = (what: string) => ({
    Type: "String",
    Default: "",
    Description: `ARN of the role that may take clean-room-${what}`,
    AllowedPattern: "^(arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*?]+)?$",
    ConstraintDescription: "the ARN of one role or user, without a wildcard",
});
const required = (what: string) => {
    const { Default: _, AllowedPattern, ...rest } = principal(what);
    return { ...rest, AllowedPattern: AllowedPattern.replace("^(", "^").replace(")?$", "$") };
};
const gitHub = (what: string) => ({
    Type: "String",
    Default: "",
    Description: `Subject of the GitHub environment whose workflow may take clean-room-${what}, such as repo:OWNER/NAME:environment:deploy-prod`,
    AllowedPattern: "^(repo:[^*?]+:environment:[^*?:]+)?$",
    ConstraintDescription: "repo:OWNER/NAME:environment:NAME, without a wildcard",
});
const optional = (description: string, AllowedPattern: string) => ({
    Type: "String",
    Default: "",
    Description: description,
    AllowedPattern,
});

const no = (Description: string) => ({ Type: "String", Default: "false", AllowedValues: ["true", "false"], Description });

const common = {
    RolePath: {
        Type: "String",
        Default: "/",
        Description: "The setting rolePath: path of these roles, and of those that the program makes",
        AllowedPattern: "^/([A-Za-z0-9_+=,.@-]+/)*$",
        MaxLength: 32,
    },
    PermissionsBoundaryName: optional(
        "The setting permissionsBoundary: name, with its path, of the managed policy that bounds these roles and those that the program makes",
        "^[A-Za-z0-9_+=,.@/-]{0,128}$",
    ),
};

export const forensicsParameters: Json = {
    DeploymentPrincipalArn: principal("deployment"),
    DeploymentGitHubSubject: gitHub("deployment"),
    PreviewPrincipalArn: principal("preview"),
    PreviewGitHubSubject: gitHub("preview"),
    ...common,
    StateBucketName: optional("Bucket that holds Pulumi's state, where it is not Pulumi Cloud", "^[a-z0-9.-]{0,63}$"),
    StateKeyArn: optional("KMS key that the stacks' secrets are under", "^(arn:aws[a-z-]*:kms:[^*?]+:key/[^*?]+)?$"),
    RuleBundleObjectsArn: optional(
        "Objects that analysis.ruleBundles names, such as arn:aws:s3:::my-rules/*",
        "^(arn:aws[a-z-]*:s3:::[^*?/]+/.+)?$",
    ),
    CustodianRoleName: {
        Type: "String",
        Default: "clean-room-evidence-custodian",
        Description:
            "The setting evidence.custodianRoleName: the one role that may end the evidence keys, which the deployment role must not become",
        AllowedPattern: "^[A-Za-z0-9_+=,.@-]{1,64}$",
    },
};
export const operatorsParameters: Json = {
    OperatorPrincipalArn: principal("operator"),
    ApproverPrincipalArn: principal("approver"),
    ...common,
};
export const memberParameters: Json = {
    DeploymentPrincipalArn: required("deployment"),
    PreviewPrincipalArn: principal("preview"),
    ...common,
    DrillRange: no("Whether the drill range is in this account: the first listed member, with range.enabled"),
};
export const managementParameters: Json = {
    DeploymentPrincipalArn: required("deployment"),
    PreviewPrincipalArn: principal("preview"),
    ...common,
    AlsoMember: no("Whether the management account is among the stack's members too"),
};
/** In the account that administers GuardDuty where that is neither the forensics nor the management account. */
export const guardDutyReaderParameters: Json = {
    ReaderPrincipalArns: {
        Type: "CommaDelimitedList",
        Description: "ARNs of the roles that run npm run coverage: clean-room-operator and clean-room-deployment of the forensics account",
        AllowedPattern: "^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[^*?]+$",
        ConstraintDescription: "ARNs of roles or users, separated by commas, without a wildcard",
    },
    ...common,
};

const given = (parameter: string) => ({ "Fn::Not": [{ "Fn::Equals": [{ Ref: parameter }, ""] }] });

export const operatorsConditions: Json = {
    HasBoundary: given("PermissionsBoundaryName"),
    MakesOperator: given("OperatorPrincipalArn"),
    MakesApprover: given("ApproverPrincipalArn"),
};

export const guardDutyReaderConditions: Json = { HasBoundary: given("PermissionsBoundaryName") };

export function conditionsOf(kind: AccountKind): Json {
    const boundary = { HasBoundary: given("PermissionsBoundaryName") };
    if (kind === "forensics")
        return {
            ...boundary,
            HasDeploymentPrincipal: given("DeploymentPrincipalArn"),
            HasDeploymentGitHub: given("DeploymentGitHubSubject"),
            HasPreviewPrincipal: given("PreviewPrincipalArn"),
            HasPreviewGitHub: given("PreviewGitHubSubject"),
            MakesPreview: { "Fn::Or": [{ Condition: "HasPreviewPrincipal" }, { Condition: "HasPreviewGitHub" }] },
            HasStateBucket: given("StateBucketName"),
            HasStateKey: given("StateKeyArn"),
            HasRuleBundles: given("RuleBundleObjectsArn"),
        };
    const flag = kind === "management" ? "AlsoMember" : "DrillRange";
    return {
        ...boundary,
        MakesPreview: given("PreviewPrincipalArn"),
        [flag]: { "Fn::Equals": [{ Ref: flag }, "true"] },
        [`MakesPreviewAnd${flag}`]: { "Fn::And": [{ Condition: "MakesPreview" }, { Condition: flag }] },
    };
}

/** Refused before anything is made. */
export function rulesOf(kind: AccountKind): Json | undefined {
    if (kind !== "forensics") return undefined;
    return {
        SomebodyMayDeploy: {
            Assertions: [
                {
                    Assert: { "Fn::Or": [given("DeploymentPrincipalArn"), given("DeploymentGitHubSubject")] },
                    AssertDescription:
                        "Give DeploymentPrincipalArn or DeploymentGitHubSubject: nobody could take clean-room-deployment otherwise.",
                },
            ],
        },
    };
}
