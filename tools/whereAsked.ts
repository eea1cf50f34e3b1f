/** What people need to know when AWS refuses a command: which account it was asked in, which Region, and as whom. */

/** Whether an error, or what it came of, is AWS's or about credentials for it. */
function isOfAws(error: unknown): boolean {
    for (let each = error; each instanceof Error; each = each.cause)
        if ("$metadata" in each || /^(CredentialsProvider|TokenProvider|ProviderError)/.test(each.name)) return true;
    return false;
}

/**
 * Lines for people, none when the error is not AWS's. Asks STS who the caller is, which needs no right.
 *
 * @param error what the command failed of
 */
export async function whereAsked(error: unknown): Promise<string[]> {
    if (!isOfAws(error)) return [];
    const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
    const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
    const sts = new STSClient({ region: region ?? "us-east-1", maxAttempts: 1 });
    try {
        const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}), { abortSignal: AbortSignal.timeout(5000) });
        return [
            `Asked in account ${Account}${region ? `, ${region}` : ""}, as ${Arn}. It must be the forensics account, and the Region must have a clean room.`,
        ];
    } catch (problem) {
        return [
            `The account is not known: AWS takes no credentials of this shell (${problem instanceof Error ? `${problem.name}: ${problem.message}` : String(problem)}). Sign in, or set AWS_PROFILE to one of the forensics account.`,
        ];
    } finally {
        sts.destroy();
    }
}
