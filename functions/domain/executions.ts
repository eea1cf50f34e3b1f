/** Executions of the workflow by their names: an incident's first has the incident's own, those that went on with it are counted. */

/** Name of an incident's n-th execution. Step Functions takes 80 characters. */
export const executionName = (incidentId: string, number: number) => (number === 1 ? incidentId : `${incidentId}-resumed-${number}`);

/** Times that one incident can have been resumed before nobody looks further. */
export const mostExecutions = 50;
