/** Cases of AWS Support in memory. */
export class InMemoryCases {
    readonly cases: { caseId: string; subject: string }[] = [];

    onDescribeCases(): unknown {
        return { cases: this.cases.map((each) => ({ ...each, status: "opened" })) };
    }
    onCreateCase({ subject }: { subject: string }): unknown {
        const caseId = `case-${this.cases.length + 1}`;
        this.cases.push({ caseId, subject });
        return { caseId };
    }
}
