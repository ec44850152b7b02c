import { CredenceError } from '../errors/credence-error.ts';

/**
 * Throws `invalid_configuration` if `parameters` contains a parameter that has an option of its own, or that Credence sets: it would be
 * dropped. `instead` has for each of these parameters the option to use, or undefined if there is none. `option` is the path of
 * `parameters`.
 */
export function checkParameters(
  option: string,
  parameters: Readonly<Record<string, string>> | undefined,
  instead: Readonly<Record<string, string | undefined>>,
): void {
  const name = Object.keys(parameters ?? {}).find((key) => Object.hasOwn(instead, key));
  if (name === undefined) return;
  const other = instead[name];
  throw new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${option} contains "${name}", which it cannot set.`,
    remedy: `Remove "${name}" from ${option}${other === undefined ? ': Credence sets it' : `, and set ${other} instead`}.`,
    contact: 'you',
  });
}
