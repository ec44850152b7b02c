import type { McpServerOptions, SubjectTokenSource } from '@credence/core';
import { invalid } from './errors.ts';

/** The option `assertion` belongs to the flow `workload-identity`. Throws `invalid_configuration`. */
export function assertionFor(
  preset: string,
  flow: string,
  assertion: SubjectTokenSource | undefined,
): Pick<McpServerOptions, 'assertion'> {
  if ((flow === 'workload-identity') === (assertion !== undefined)) return { assertion };
  throw invalid(
    `${preset}(...).server has ${assertion ? 'an assertion for another flow' : 'no assertion for the flow workload-identity'}.`,
    "Set flow: 'workload-identity' together with assertion: fromWorkloadToken(...).",
  );
}
