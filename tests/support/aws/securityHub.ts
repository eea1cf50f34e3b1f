/** Security Hub in memory: the findings it took, and what it was asked to note. */
interface Identifier {
    Id: string;
    ProductArn: string;
}

export class InMemorySecurityHub {
    readonly imported: unknown[] = [];
    readonly updates: unknown[] = [];
    /** Ids of findings that it does not know. */
    readonly unknown: string[] = [];

    onBatchImportFindings({ Findings }: { Findings: unknown[] }): unknown {
        this.imported.push(...Findings);
        return { FailedCount: 0, SuccessCount: Findings.length, FailedFindings: [] };
    }

    onBatchUpdateFindings(input: { FindingIdentifiers: Identifier[] }): unknown {
        this.updates.push(input);
        const isKnown = ({ Id }: Identifier) => !this.unknown.includes(Id);
        return {
            ProcessedFindings: input.FindingIdentifiers.filter(isKnown),
            UnprocessedFindings: input.FindingIdentifiers.filter((each) => !isKnown(each)).map((FindingIdentifier) => ({
                FindingIdentifier,
                ErrorCode: "InvalidInput",
                ErrorMessage: "unknown",
            })),
        };
    }
}
