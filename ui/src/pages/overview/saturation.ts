// How full a process is, from the metrics every Prometheus client has.
import { quote, selector } from '../../api/prom';

export function saturationQueries(service: string, window: string) {
  const of = selector([service && `job=${quote(service)}`]);
  return {
    cpu: `max by (job) (rate(process_cpu_seconds_total${of}[${window}]))`,
    memory: `sum(process_resident_memory_bytes${of})`,
    inProgress: `sum(http_requests_in_progress${of})`,
  };
}
