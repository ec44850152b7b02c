import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';

type Config = Readonly<Record<string, unknown>>;

/** Members that each config has which LangChain has completed (`ensureConfig`). */
const OF_COMPLETED = ['tags', 'metadata', 'recursionLimit'] as const;
/** Where LangGraph puts the id of the task in `configurable`. */
const TASK = '__pregel_task_id';

/** The contexts that {@link withOwnContext} has made, and whether the caller had handed the context. */
const made = new WeakMap<object, boolean>();

/**
 * Whether the caller has handed the context of a config. If a Runnable is called without a context, LangChain takes that of the
 * surrounding run from AsyncLocalStorage, which can be another run than the caller means: of a queue or a promise that two runs share. Such a
 * config has the same context object as the surrounding one, and all of its members. A config that was handed has it too if a node hands
 * its own config. It is known by being the same object, by being a part (`{ context: config.context }`), or by what LangGraph adds for a
 * tool call or a task. False also for a config that a Runnable, or `{ ...config }`, has copied from that of the node: it looks the same.
 *
 * @param inStream whether LangChain calls a method of a stream. Then it hides the surrounding context, and the config of a task of
 * LangGraph counts as copied.
 */
export function isHanded(config: unknown, inStream = false): boolean {
  if (!isObject(config) || !isObject(config['context'])) return true;
  const known = made.get(config['context']);
  if (known !== undefined) return known;
  const ambient: unknown = AsyncLocalStorageProviderSingleton.getRunnableConfig();
  if (config === ambient || OF_COMPLETED.some((name) => !Object.hasOwn(config, name))) return true;
  if (!isObject(ambient)) return !(inStream && isOfTask(config));
  // ToolNode adds its own config to that of a tool call.
  if (config['config'] !== undefined && config['config'] !== ambient['config']) return true;
  const task = taskOf(config);
  const isOfOtherTask = task !== undefined && task !== taskOf(ambient);
  if (inStream && !Object.hasOwn(ambient, 'context')) return !isOfTask(config) || isOfOtherTask;
  return config['context'] !== ambient['context'] || isOfOtherTask;
}

/**
 * The same config with a context of its own, an empty one if it has none. LangChain does not complete such a config with the context of
 * the surrounding run, and a Runnable can copy it.
 */
export function withOwnContext(config: unknown, inStream = false): Config {
  if (!isObject(config)) return { context: {} };
  const { context } = config;
  if (!isObject(context)) return { ...config, context: context ?? {} };
  const own = { ...context };
  made.set(own, isHanded(config, inStream));
  return { ...config, context: own };
}

/** Whether a config has what LangGraph adds for a task. A caller that hands a part of a config replaces some of it. */
function isOfTask(config: Config): boolean {
  return (
    taskOf(config) !== undefined || typeof config['interrupt'] === 'function' || typeof config['writer'] === 'function'
  );
}

function taskOf({ configurable }: Config): unknown {
  return isObject(configurable) ? configurable[TASK] : undefined;
}

function isObject(value: unknown): value is Config {
  return typeof value === 'object' && value !== null;
}
