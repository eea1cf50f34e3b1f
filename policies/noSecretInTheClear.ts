import * as aws from "@pulumi/aws";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import { at } from "./lib/policyDocuments";
import { listOf, objectOf, reveal, UNKNOWN, type Properties, type Value } from "./lib/values";

/** Texts that are secrets whatever they are called: webhooks, tokens, keys. */
const SECRET =
    /hooks\.slack\.com\/|discord(app)?\.com\/api\/webhooks\/|\.webhook\.office\.com\/|\bxox[abeprs]-|\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[opsu]_\w{20}|github_pat_|[Ss](?:ECRET|ecret)_?[Aa](?:CCESS|ccess)_?[Kk](?:EY|ey)["']?\s*[=:]\s*["']?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])|-----BEGIN [A-Z ]*PRIVATE KEY-----|:\/\/[^/\s:@]+:[^/\s:@]+@|\beyJ[\w-]+\.eyJ[\w-]+\./;
/** Names of settings that hold one. */
const NAMED = /(secret|passw(or)?d|token|webhook|api_?key|private_?key)/i;
/** Ends of names by which a setting says where the secret lies, and texts that do. */
const PLACE = /(arn|name|table|bucket|queue|topic|id|path|parameter|param|ref|prefix|count|seconds|url_parameter|expiry|ttl)$/i;
const REFERENCE = /^(arn:|\/|https:\/\/secretsmanager|\{\{resolve:|true$|false$|\d*$|$)/;

/** Where a type holds settings that anybody with read access to it sees: a path to an object of texts. */
const SETTINGS: Record<string, string[]> = {
    "aws:lambda/function:Function": ["environment.variables"],
    "aws:codebuild/project:Project": ["environment.environmentVariables"],
    "aws:apprunner/service:Service": ["sourceConfiguration.imageRepository.imageConfiguration.runtimeEnvironmentVariables"],
    "aws:elasticbeanstalk/environment:Environment": ["settings"],
    "aws:glue/job:Job": ["defaultArguments"],
    "aws:ecs/taskDefinition:TaskDefinition": ["containerDefinitions"],
};

/** Types whose texts are read by everybody who may look at them: user data, descriptions, documents, schedules' inputs. */
const TEXTS: Record<string, string[]> = {
    "aws:ec2/instance:Instance": ["userData", "userDataBase64"],
    "aws:ec2/launchConfiguration:LaunchConfiguration": ["userData", "userDataBase64"],
    "aws:ec2/launchTemplate:LaunchTemplate": ["userData"],
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": ["userData", "userDataBase64"],
    "aws:cloudwatch/eventTarget:EventTarget": ["input", "inputTransformer.inputTemplate"],
    "aws:scheduler/schedule:Schedule": ["target.input"],
    "aws:sfn/stateMachine:StateMachine": ["definition"],
    "aws:ssm/document:Document": ["content"],
    "aws:ecs/taskDefinition:TaskDefinition": ["containerDefinitions"],
    "aws:cloudformation/stack:Stack": ["templateBody"],
    "aws:sns/topicSubscription:TopicSubscription": ["endpoint"],
};

/** A webhook or token that stands in a variable is read by everybody who may list functions, and lies in the stack's state. */
export const noSecretInTheClear: ResourceValidationPolicy = {
    name: "no-secret-in-the-clear",
    description: "No secret stands in a plain parameter, a function's variables, user data or a document.",
    enforcementLevel: "mandatory",
    validateResource: (args, reportViolation) => {
        const props = reveal(args.props);
        const report = (where: string): void =>
            reportViolation(
                `"${args.name}" (${args.type}) has what looks like a secret in ${where}, where everybody reads it who may look. Keep it in Secrets Manager or a SecureString parameter, and give its name.`,
            );
        if (args.isType(aws.ssm.Parameter) && props.type !== "SecureString") {
            const { name, value, insecureValue } = props;
            const named: Value[] = [args.name, name];
            const given: Value[] = [value, insecureValue];
            const said = named.some((each) => typeof each === "string" && NAMED.test(each) && !PLACE.test(each));
            const held = given.some((each) => isSecret(each) || (said && each === UNKNOWN) || (said && isPlain(each)));
            if (held) {
                report(`a parameter of type ${String(props.type as string)}`);
            }
        }
        for (const path of SETTINGS[args.type] ?? []) {
            for (const [key, value] of at(props, path.split(".")).flatMap(listOf).flatMap(settings)) {
                if (isSecret(value) || (NAMED.test(key) && !PLACE.test(key) && isPlain(value))) {
                    report(`${path}.${key}`);
                }
            }
        }
        for (const path of TEXTS[args.type] ?? []) {
            if (at(props, path.split(".")).some((each) => isSecret(each) || isSecret(decoded(each)))) {
                report(path);
            }
        }
    },
};

/** Names and values, of an object or of a list of `{ name, value }`. */
function settings(value: Value): [string, Value][] {
    const { name, value: content } = objectOf(value);
    return typeof name === "string" ? [[name, content]] : Object.entries(objectOf(value) as Properties);
}

const isSecret = (value: Value): boolean => typeof value === "string" && SECRET.test(value);

/** What a text in base 64 says, as user data of a launch template always is. */
const decoded = (value: Value): Value =>
    typeof value === "string" && /^[A-Za-z0-9+/\s]{16,}={0,2}\s*$/.test(value) ? Buffer.from(value, "base64").toString("utf8") : undefined;

/** A text that is written out and says nothing of where the secret really lies. */
const isPlain = (value: Value): boolean => typeof value === "string" && !REFERENCE.test(value);
