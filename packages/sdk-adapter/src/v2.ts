export { emaCapabilities } from './shared/ema-capabilities.ts';
export type { ToolLeftOut } from './shared/listed-tools.ts';
export { mcpAuthProvider } from './v2/auth-provider.ts';
export { connectMcp, type ConnectMcpOptions } from './v2/connect.ts';
export { mcpTransport, type McpTransportOptions } from './v2/transport.ts';
export { mcpServersConfig } from './v2/servers-config.ts';
export type {
  MastraServerConfig,
  McpServerConfig,
  McpServersConfigOptions,
  ServerFetch,
} from './shared/servers-config.ts';
export type { SchemaLimits } from './schema/limits.ts';
export {
  safeSchemaValidator,
  type SafeSchemaValidator,
  type SafeSchemaValidatorOptions,
  type SchemaValidatorResult,
  type UnusableSchemaReport,
} from './schema/safe-schema-validator.ts';
