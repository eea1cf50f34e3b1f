/** CloudFormation templates of the roles that deploy, preview and operate, one for each kind of account. Pure. */
import type { Statement } from "../../functions/aws/permissions";
import { commandStatements, type CommandRights } from "./commandRights";
import type { AccountKind } from "./estates";
import {
    forensicsParameters,
    guardDutyReaderConditions,
    guardDutyReaderParameters,
    operatorsConditions,
    operatorsParameters,
    memberParameters,
    managementParameters,
    conditionsOf,
    rulesOf,
} from "./parameters";
import { arn, packed, typeStatements } from "./statements";
import { groups, type Group } from "./typeRights";

type Json = Record<string, unknown>;
/** How a role's name ends, after `clean-room-`. */
type RoleKind = "deployment" | "preview" | "operator" | "approver";

/** Fn::Sub where a text names a parameter. */
function substituted(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(substituted);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, substituted(each)]));
    return typeof value === "string" && value.includes("${") ? { "Fn::Sub": value } : value;
}

const noValue = { Ref: "AWS::NoValue" };
const when = (condition: string, then: unknown, otherwise: unknown = noValue) => ({ "Fn::If": [condition, then, otherwise] });
const document = (statements: readonly unknown[]) => ({ Version: "2012-10-17", Statement: statements });

/** Who writes roles could give any right to one: with a boundary, only within it. */
const givesRights = new Set(["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"]);
const boundaryArn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/${PermissionsBoundaryName}";

/** As CloudFormation takes it; what gives roles rights is held to the permissions boundary where there is one. */
function rendered(statement: Statement): Json[] {
    const bounded = statement.Action.filter((action) => givesRights.has(action));
    const others = statement.Action.filter((action) => !givesRights.has(action));
    return [
        ...(others.length > 0 ? [substituted({ ...statement, Action: others }) as Json] : []),
        ...(bounded.length > 0
            ? [
                  {
                      ...(substituted({ ...statement, Action: bounded }) as Json),
                      Condition: when("HasBoundary", { StringEquals: { "iam:PermissionsBoundary": { "Fn::Sub": boundaryArn } } }),
                  },
              ]
            : []),
    ];
}

/** The deployment role's rights reach what is named clean-room-*, which these are too: none of them is its own to change. */
function leaveAlone(kind: AccountKind): Statement {
    const names = ["deployment", "preview", ...(kind === "forensics" ? ["operator", "approver"] : [])];
    return {
        Sid: "LeaveAloneWhoGivesItRights",
        Effect: "Deny",
        Action: ["Attach*", "Create*", "Delete*", "Detach*", "PassRole", "Put*", "Tag*", "Untag*", "Update*"].map((each) => `iam:${each}`),
        Resource: [
            ...names.map((name) => arn(`iam::\${AWS::AccountId}:role\${RolePath}clean-room-${name}`)),
            // The one that may end the evidence keys.
            ...(kind === "forensics" ? [arn("iam::${AWS::AccountId}:role/${CustodianRoleName}")] : []),
        ],
    };
}

/** Services make their own role when they are first used. */
const serviceLinked = (types: ReadonlySet<string>): Statement[] => {
    const services = [...types].flatMap((type) =>
        type.startsWith("aws:guardduty/detector:")
            ? ["guardduty.amazonaws.com", "malware-protection.guardduty.amazonaws.com"]
            : type === "aws:imagebuilder/imagePipeline:ImagePipeline"
              ? ["imagebuilder.amazonaws.com"]
              : [],
    );
    return services.length === 0
        ? []
        : [
              {
                  Effect: "Allow",
                  Action: ["iam:CreateServiceLinkedRole"],
                  Resource: [arn("iam::${AWS::AccountId}:role/aws-service-role/*")],
                  Condition: { StringEquals: { "iam:AWSServiceName": services } },
              },
          ];
};

interface PolicyPlan {
    /** Logical id. */
    id: string;
    /** In IAM, behind `clean-room-`. */
    name: string;
    statements: Json[];
    condition?: string;
}

const capitalized = (text: string) => text[0]!.toUpperCase() + text.slice(1);
const named = (role: RoleKind, part: string, statements: readonly Statement[], condition?: string): PolicyPlan[] =>
    packed(statements).map((some, index) => ({
        id: `${capitalized(role)}${capitalized(part)}${index || ""}`,
        name: `${role}-${part}${index ? `-${index + 1}` : ""}`,
        statements: some.flatMap(rendered),
        ...(condition ? { condition } : {}),
    }));

/** Policies for the types of an account; in members only the drill range has a network. */
function typePolicies(which: "deployment" | "preview", kind: AccountKind, types: ReadonlySet<string>, alsoMember = false): PolicyPlan[] {
    const writes = which === "deployment";
    const byGroup = typeStatements(types, writes);
    if (writes) byGroup.compute.push(...serviceLinked(types), ...(alsoMember ? [] : [leaveAlone(kind)]));
    const condition = (group: Group) => (alsoMember ? "AlsoMember" : kind === "member" && group === "network" ? "DrillRange" : undefined);
    return groups
        .filter((group) => !(alsoMember && group === "network"))
        .flatMap((group) => named(which, alsoMember ? `member${capitalized(group)}` : group, byGroup[group], condition(group)));
}

/** The role by which npm run coverage asks a third account that administers GuardDuty, wherever that is. */
const guardDutyReader = arn("iam::*:role${RolePath}clean-room-guardduty-read");

/** What whoever runs Pulumi needs beside the resources: the state, its key, rule bundles, and the roles of the other accounts. */
function pulumiPolicy(role: "deployment" | "preview"): PolicyPlan {
    const write = role === "deployment";
    const state = "arn:${AWS::Partition}:s3:::${StateBucketName}";
    const allow = (Action: string[], Resource: unknown) => ({ Effect: "Allow", Action, Resource });
    return {
        id: `${capitalized(role)}Pulumi`,
        name: `${role}-pulumi`,
        statements: [
            allow(
                ["sts:AssumeRole"],
                [{ "Fn::Sub": arn(`iam::*:role\${RolePath}clean-room-${role}`) }, ...(write ? [{ "Fn::Sub": guardDutyReader }] : [])],
            ),
            when("HasStateBucket", allow(["s3:GetBucketLocation", "s3:ListBucket"], [{ "Fn::Sub": state }])) as Json,
            when(
                "HasStateBucket",
                allow(write ? ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"] : ["s3:GetObject"], [{ "Fn::Sub": `${state}/*` }]),
            ) as Json,
            when(
                "HasStateKey",
                allow(
                    write ? ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"] : ["kms:Decrypt", "kms:DescribeKey"],
                    [{ Ref: "StateKeyArn" }],
                ),
            ) as Json,
            when("HasRuleBundles", allow(["s3:GetObject", "s3:GetObjectVersion"], [{ Ref: "RuleBundleObjectsArn" }])) as Json,
        ],
    };
}

/** Who may take a role: a principal, and in the forensics account a GitHub environment. */
function trust(kind: AccountKind, role: RoleKind): Json {
    const what = capitalized(role);
    const principal = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: { Ref: `${what}PrincipalArn` } } };
    if (kind !== "forensics") return document([principal]);
    if (role === "operator" || role === "approver") return document([principal]);
    const gitHub = {
        Effect: "Allow",
        Action: "sts:AssumeRoleWithWebIdentity",
        Principal: {
            Federated: { "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/token.actions.githubusercontent.com" },
        },
        Condition: {
            // Exactly: with a wildcard every branch's workflow could take it.
            StringEquals: {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": { Ref: `${what}GitHubSubject` },
            },
        },
    };
    return document([when(`Has${what}Principal`, principal), when(`Has${what}GitHub`, gitHub)]);
}

const descriptions: Record<RoleKind, string> = {
    deployment: "Deploys the EC2 clean room",
    preview: "Previews the EC2 clean room: reads, and reads no secret, no evidence",
    operator: "Runs the commands of the EC2 clean room",
    approver: "Answers whether an instance is contained",
};

function role(kind: AccountKind, which: RoleKind, policies: readonly PolicyPlan[]): Json {
    // One role, made where somebody is named who may take it; the deployment role always.
    const condition = which === "deployment" ? undefined : `Makes${capitalized(which)}`;
    const resources: Json = {
        [`${capitalized(which)}Role`]: {
            Type: "AWS::IAM::Role",
            ...(condition ? { Condition: condition } : {}),
            Properties: {
                RoleName: `clean-room-${which}`,
                Path: { Ref: "RolePath" },
                Description: descriptions[which],
                // deploy.yml asks for two hours.
                MaxSessionDuration: which === "deployment" ? 7200 : 3600,
                PermissionsBoundary: when("HasBoundary", { "Fn::Sub": boundaryArn }),
                AssumeRolePolicyDocument: trust(kind, which),
                ManagedPolicyArns: policies.map(({ id, condition: only }) => (only ? when(only, { Ref: id }) : { Ref: id })),
            },
        },
    };
    for (const { id, name, statements, condition: only } of policies) {
        const both = only ? (condition ? `${condition}And${only}` : only) : condition;
        resources[id] = {
            Type: "AWS::IAM::ManagedPolicy",
            ...(both ? { Condition: both } : {}),
            Properties: {
                ManagedPolicyName: `clean-room-${name}`,
                Path: { Ref: "RolePath" },
                Description: descriptions[which],
                PolicyDocument: document(statements),
            },
        };
    }
    return resources;
}

/** @param commands of commandsWithRights() */
export function bootstrapTemplate(
    kind: AccountKind,
    types: Record<AccountKind, ReadonlySet<string>>,
    commands: readonly CommandRights[],
): Json {
    const resources: Json = {};
    for (const which of ["deployment", "preview"] as const) {
        const writes = which === "deployment";
        const policies = [
            ...typePolicies(which, kind, types[kind]),
            // The management account may be among the stack's members too.
            ...(kind === "management" ? typePolicies(which, kind, types.member, true) : []),
            ...(kind === "forensics" ? [pulumiPolicy(which)] : []),
            // deploy.yml's preflight and `npm run coverage` take the deployment role where one is named.
            ...(writes
                ? named(
                      which,
                      "commands",
                      commandStatements(
                          commands.filter(({ name }) => deployersCommands(kind).includes(name)),
                          "operator",
                      ),
                  )
                : []),
        ];
        Object.assign(resources, role(kind, which, policies));
    }
    const parameters = { forensics: forensicsParameters, member: memberParameters, management: managementParameters }[kind];
    return {
        AWSTemplateFormatVersion: "2010-09-09",
        Description: `EC2 clean room: roles of the ${kind} account (bootstrap/README.md; generated by npm run bootstrap)`,
        Parameters: parameters,
        Rules: rulesOf(kind),
        Conditions: conditionsOf(kind),
        Resources: resources,
    };
}

/** The roles of people, in the forensics account: no command is for another. @param commands of commandsWithRights() */
export function operatorsTemplate(commands: readonly CommandRights[]): Json {
    return {
        AWSTemplateFormatVersion: "2010-09-09",
        Description:
            "EC2 clean room: roles of operators and approvers, in the forensics account (bootstrap/README.md; generated by npm run bootstrap)",
        Parameters: operatorsParameters,
        Conditions: operatorsConditions,
        Resources: Object.assign(
            {},
            ...(["operator", "approver"] as const).map((which) =>
                role(
                    "forensics",
                    which,
                    named(which, "commands", [
                        ...commandStatements(commands, which),
                        ...(which === "operator"
                            ? [{ Effect: "Allow" as const, Action: ["sts:AssumeRole"], Resource: [guardDutyReader] }]
                            : []),
                    ]),
                ),
            ),
        ) as Json,
    };
}

/** The role by which npm run coverage reads, in a third account that administers GuardDuty. @param commands of commandsWithRights() */
export function guardDutyReaderTemplate(commands: readonly CommandRights[]): Json {
    const coverage = commandStatements(
        commands.filter(({ name }) => name === "coverage"),
        "operator",
    );
    const reads = coverage
        .map((statement) => ({ ...statement, Action: statement.Action.filter((action) => action.startsWith("guardduty:")) }))
        .filter(({ Action }) => Action.length > 0);
    return {
        AWSTemplateFormatVersion: "2010-09-09",
        Description:
            "EC2 clean room: the role that reads GuardDuty of the account that administers it (bootstrap/README.md; generated by npm run bootstrap)",
        Parameters: guardDutyReaderParameters,
        Conditions: guardDutyReaderConditions,
        Resources: {
            GuardDutyReadRole: {
                Type: "AWS::IAM::Role",
                Properties: {
                    RoleName: "clean-room-guardduty-read",
                    Path: { Ref: "RolePath" },
                    Description: "Reads for npm run coverage whom GuardDuty watches",
                    PermissionsBoundary: when("HasBoundary", { "Fn::Sub": boundaryArn }),
                    AssumeRolePolicyDocument: document([
                        { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: { Ref: "ReaderPrincipalArns" } } },
                    ]),
                    Policies: [{ PolicyName: "read-guardduty", PolicyDocument: document(reads.flatMap(rendered)) }],
                },
            },
        },
    };
}

/** Commands that use an account's deployment role where the stack names one. */
const deployersCommands = (kind: AccountKind) => (kind === "forensics" ? ["preflight", "coverage"] : ["coverage"]);
