/** AWS Support in memory: what was added to cases. Opening a case is a spec's own. */
export class InMemorySupport {
    readonly communications: { caseId: string; communicationBody: string }[] = [];

    onAddCommunicationToCase(input: { caseId: string; communicationBody: string }): { result: boolean } {
        this.communications.push(input);
        return { result: true };
    }
}
