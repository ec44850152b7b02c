import type { RunOfCall } from './run-of-call.ts';

/** Where LangGraph puts its checkpointer in the config of a task. `interrupt` of LangGraph reads it there too. */
const CHECKPOINTER = '__pregel_checkpointer';
/** The name of the writes of interrupts in a checkpoint. */
const INTERRUPT = '__interrupt__';

/** An interrupt that a task waits for. */
export interface PendingInterrupt {
  /** The id of the task. */
  readonly task: string;
  readonly id: string | undefined;
  readonly value: unknown;
}

/**
 * The interrupts that the present step of the run waits for. Empty if nothing can be found out, such as without a
 * checkpointer. LangGraph gives a task that it runs again only the answer, not the question.
 */
export async function pendingInterrupts({ configurable }: RunOfCall): Promise<readonly PendingInterrupt[]> {
  const { thread_id, checkpoint_ns, checkpoint_id, [CHECKPOINTER]: checkpointer } = configurable;
  if (!hasTuples(checkpointer) || typeof thread_id !== 'string') return [];
  // The namespace of a task ends in the name of the task; the checkpoint is that of the graph.
  const ns = typeof checkpoint_ns === 'string' ? checkpoint_ns.split('|').slice(0, -1).join('|') : '';
  const where = { thread_id, checkpoint_ns: ns, ...(ns === '' && { checkpoint_id }) };
  const tuple = await checkpointer.getTuple({ configurable: where });
  return (tuple?.pendingWrites ?? []).flatMap(([task, channel, written]) =>
    channel === INTERRUPT ? [written].flat().map((interrupt) => ({ task, ...partsOf(interrupt) })) : [],
  );
}

interface Tuples {
  getTuple(config: object): Promise<{ pendingWrites?: [string, string, unknown][] } | undefined>;
}

function hasTuples(value: unknown): value is Tuples {
  return typeof value === 'object' && value !== null && 'getTuple' in value && typeof value.getTuple === 'function';
}

function partsOf(interrupt: unknown): Omit<PendingInterrupt, 'task'> {
  const { id, value }: Readonly<Record<string, unknown>> =
    typeof interrupt === 'object' && interrupt !== null ? { ...interrupt } : {};
  return { id: typeof id === 'string' ? id : undefined, value };
}
