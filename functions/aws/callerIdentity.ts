/** Makes a proof of who calls, and asks AWS whose it is: domain/callerProof.ts. */
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { signedHeaders, statementHash, statementHeader, type CallerProof } from "../domain/callerProof";
import { environment } from "./environment";
import { errorCode, isTransient, StepError, TransientError } from "./errors";

type Statement = Parameters<typeof statementHash>[0];
/** As much of the SDK's request as is looked at. */
interface Request {
    headers: Record<string, string>;
}

/** Ends a request that was signed and is not sent. */
class Signed extends Error {
    headers: Record<string, string> = {};
}

/** Who a proof is of, as STS answers. */
export interface Caller {
    arn: string;
    accountId: string;
}

/** Signs the statement with the credentials at hand, without sending anything. @param statement what is asked for */
export async function proveCaller(region: string, statement: Statement): Promise<CallerProof> {
    const signed = new Signed();
    const client = new STSClient({
        region,
        maxAttempts: 1,
        // In the place of sending.
        requestHandler: {
            handle: (request: Request) => {
                signed.headers = { ...request.headers };
                return Promise.reject(signed);
            },
        },
    });
    client.middlewareStack.add(
        (next) => (args) => {
            (args.request as Request).headers[statementHeader] = statementHash(statement);
            return next(args);
        },
        { step: "build", name: "addStatement" },
    );
    await client.send(new GetCallerIdentityCommand({})).catch((error: unknown) => {
        if (error !== signed) throw error;
    });
    const { headers } = signed;
    return { headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])) };
}

/**
 * Asks STS in this function's Region whose signature it is.
 *
 * @param statement what is about to be done in the caller's name
 * @throws StepError when it is nobody's, or of another account than the clean room's
 */
export async function callerOf(proof: CallerProof, statement: Statement): Promise<Caller> {
    const refuse = (why: string) =>
        new StepError(
            `Who asks is not proved: ${why}`,
            "caller",
            "Ask again with the command of this version, and credentials of the forensics account.",
        );
    const signed = signedHeaders(proof, statementHash(statement));
    if ("reason" in signed) throw refuse(signed.reason);
    const ours = environment("FORENSICS_ACCOUNT_ID");
    // Credentials of no use: the caller's own signature takes the place of what they make.
    const client = new STSClient({
        region: environment("AWS_REGION"),
        maxAttempts: 1,
        credentials: { accessKeyId: "unused", secretAccessKey: "unused" },
    });
    client.middlewareStack.add(
        (next) => (args) => {
            (args.request as Request).headers = signed.headers;
            return next(args);
        },
        { step: "deserialize", name: "sendAsSigned", priority: "low" },
    );
    try {
        const { Arn, Account } = await client.send(new GetCallerIdentityCommand({}));
        if (!Arn || !Account) throw refuse("AWS named nobody");
        if (Account !== ours) throw refuse(`the credentials are of account ${Account}`);
        return { arn: Arn, accountId: Account };
    } catch (error) {
        if (error instanceof StepError) throw error;
        if (isTransient(error)) throw new TransientError(`STS did not answer: ${errorCode(error)}`, { cause: error });
        throw refuse(`AWS does not take the signature (${errorCode(error)}); it is good for fifteen minutes`);
    }
}
