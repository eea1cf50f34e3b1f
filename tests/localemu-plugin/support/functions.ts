/** Roles and Lambda functions for specs. */
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateFunctionCommand, waitUntilFunctionActiveV2 } from "@aws-sdk/client-lambda";
import { buildSync } from "esbuild";
import { strToU8, zipSync } from "fflate";
import { unique, type Clients } from "./localAws";

export interface Statement {
    Effect: "Allow" | "Deny";
    Action: string | string[];
    Resource: string | string[];
    Condition?: Record<string, Record<string, string | string[]>>;
}
export const document = (...statements: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement: statements });

export const allow = (action: string | string[], resource: string | string[], condition?: Statement["Condition"]): Statement => ({
    Effect: "Allow",
    Action: action,
    Resource: resource,
    ...(condition ? { Condition: condition } : {}),
});

/** @returns the role's ARN. */
export async function makeRole(
    aws: Clients,
    principal: object,
    statements: Statement[],
    options: { name?: string; trustCondition?: object } = {},
): Promise<string> {
    const name = options.name ?? unique("role");
    const trust = {
        Effect: "Allow",
        Principal: principal,
        Action: "sts:AssumeRole",
        ...(options.trustCondition ? { Condition: options.trustCondition } : {}),
    };
    const { Role } = await aws.iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: document(trust) }));
    if (statements.length > 0) {
        await aws.iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: "inline", PolicyDocument: document(...statements) }));
    }
    return Role!.Arn!;
}

/** Code of one CommonJS module as Lambda takes it. @param bundle put the AWS SDK clients it requires into it */
export function zipped(source: string, bundle = false): Uint8Array {
    const code = bundle
        ? buildSync({
              stdin: { contents: source, resolveDir: __dirname },
              bundle: true,
              platform: "node",
              target: "node22",
              write: false,
              mainFields: ["module", "main"],
          }).outputFiles[0]!.text
        : source;
    return zipSync({ "index.js": strToU8(code) });
}

/** @returns the ARN of an active function. */
export async function makeFunction(
    aws: Clients,
    role: string,
    code: Uint8Array,
    options: {
        name?: string;
        timeout?: number;
        environment?: Record<string, string>;
        runtime?: "nodejs22.x" | "nodejs24.x";
        deadLetters?: string;
    } = {},
): Promise<string> {
    const name = options.name ?? unique("function");
    const made = await aws.lambda.send(
        new CreateFunctionCommand({
            FunctionName: name,
            Runtime: options.runtime ?? "nodejs22.x",
            Role: role,
            Handler: "index.handler",
            Timeout: options.timeout ?? 10,
            MemorySize: 256,
            Code: { ZipFile: code },
            Environment: { Variables: options.environment ?? {} },
            ...(options.deadLetters ? { DeadLetterConfig: { TargetArn: options.deadLetters } } : {}),
        }),
    );
    await waitUntilFunctionActiveV2({ client: aws.lambda, maxWaitTime: 20, minDelay: 0.05, maxDelay: 0.1 }, { FunctionName: name });
    return made.FunctionArn!;
}
