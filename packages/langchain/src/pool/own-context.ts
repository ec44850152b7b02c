import { withOwnContext } from './handed-config.ts';

type Method = (this: unknown, input: unknown, config?: unknown, ...more: unknown[]) => unknown;
type Properties = Record<string, PropertyDescriptor>;

/** The methods of a Runnable with the parameters `(input, config)`, which complete the config from AsyncLocalStorage. */
const CALLS = ['streamEvents', 'streamLog', 'batch'] as const;
/** The same of a stream. Other Runnables call them. */
const STREAMS = ['stream', '_streamIterator', 'transform'] as const;
/** The methods that return a Runnable which calls this one. */
const MAKERS = [
  'withRetry',
  'withConfig',
  'withFallbacks',
  'withListeners',
  'pipe',
  'pick',
  'assign',
  'asTool',
] as const;

export const own = (value: unknown): PropertyDescriptor => ({ value, writable: true, configurable: true });

/**
 * Replacements for methods of a Runnable that LangChain would call with the context of the surrounding run: calls, and
 * methods that make another Runnable of this one, such as `withRetry`, whose calls are replaced too.
 *
 * @param context the context of a call that is handed none: that of `withConfig`, or an empty one
 */
export function callsWithOwnContext(runnable: object, context: object = {}): Properties {
  return {
    ...replaced(runnable, CALLS, (method) => handing(method, context)),
    ...replaced(runnable, STREAMS, (method) => handing(method, context, true)),
    ...makers(runnable, context),
  };
}

function makers(runnable: object, context: object): Properties {
  return replaced(runnable, MAKERS, (method, name) => {
    return function (this: unknown, ...parameters): unknown {
      const made: unknown = Reflect.apply(method, this, parameters);
      if (typeof made !== 'object' || made === null) return made;
      const [config] = parameters;
      const ofMade = name === 'withConfig' ? (contextOf(config) ?? context) : context;
      const invoke = replaced(made, ['invoke'], (original) => handing(original, ofMade));
      return Object.defineProperties(made, { ...invoke, ...callsWithOwnContext(made, ofMade) });
    };
  });
}

/** The same method, whose second parameter is a config, or one for each input, with a context of its own. */
function handing(method: Method, context: object, inStream = false): Method {
  const handed = (config: unknown) => {
    const given = withOwnContext(config, inStream);
    return contextOf(config) === undefined ? { ...given, context } : given;
  };
  return function (this: unknown, input, config, ...more) {
    const configs = Array.isArray(config) ? config.map(handed) : handed(config);
    return Reflect.apply(method, this, [input, configs, ...more]);
  };
}

function replaced(
  runnable: object,
  names: readonly string[],
  replacement: (method: Method, name: string) => Method,
): Properties {
  const methods = names.map((name): [string, unknown] => [name, Reflect.get(runnable, name)]);
  return Object.fromEntries(
    methods.flatMap(([name, method]) =>
      typeof method === 'function' ? [[name, own(replacement(method as Method, name))]] : [],
    ),
  );
}

function contextOf(config: unknown): object | undefined {
  if (typeof config !== 'object' || config === null || !('context' in config)) return undefined;
  return typeof config.context === 'object' && config.context !== null ? config.context : undefined;
}
