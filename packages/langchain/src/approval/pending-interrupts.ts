import type { RunOfCall } from './run-of-call.ts';

/** Where LangGraph puts its checkpointer in the config of a task. `interrupt` of LangGraph reads it there too. */
const CHECKPOINTER = '__pregel_checkpointer';
/** The name of the writes of interrupts in a checkpoint. */
const INTERRUPT = '__interrupt__';

/**
 * The values of the interrupts that the present step of the run waits for. Empty if nothing can be found out, such as without a
 * checkpointer. LangGraph gives a task that it runs again only the answer, not the question.
 */
export async function pendingInterrupts({ configurable }: RunOfCall): Promise<readonly unknown[]> {
  const { thread_id, checkpoint_ns, checkpoint_id, [CHECKPOINTER]: checkpointer } = configurable;
  if (!hasTuples(checkpointer) || typeof thread_id !== 'string') return [];
  // The namespace of a task ends in the name of the task; the checkpoint is that of the graph.
  const ns = typeof checkpoint_ns === 'string' ? checkpoint_ns.split('|').slice(0, -1).join('|') : '';
  const where = { thread_id, checkpoint_ns: ns, ...(ns === '' && { checkpoint_id }) };
  const tuple = await checkpointer.getTuple({ configurable: where });
  return (tuple?.pendingWrites ?? []).flatMap(([, channel, written]) =>
    channel === INTERRUPT ? [written].flat().map(valueOf) : [],
  );
}

interface Tuples {
  getTuple(config: object): Promise<{ pendingWrites?: [string, string, unknown][] } | undefined>;
}

function hasTuples(value: unknown): value is Tuples {
  return typeof value === 'object' && value !== null && 'getTuple' in value && typeof value.getTuple === 'function';
}

function valueOf(interrupt: unknown): unknown {
  return typeof interrupt === 'object' && interrupt !== null && 'value' in interrupt ? interrupt.value : undefined;
}
