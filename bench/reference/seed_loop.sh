#!/bin/bash
# Samples workers once, in the way of MetaBonk's own 24-hour monitor: curl once a worker, then jq once a field.
# Usage: seed_loop.sh BASE_PORT WORKERS
base=$1 workers=$2
fields=(
  episode_idx step gameplay_started
  dynamic_ui_state_type dynamic_ui_epsilon dynamic_ui_exploration_actions dynamic_ui_text_density dynamic_ui_motion
  intrinsic_reward intrinsic_reward_total
  system2_trigger_engage system2_trigger_reason
  meta_success_sequences meta_suggestions_applied
  vlm_hints_used vlm_hints_applied gpu_memory_gb
)
for ((slot = 0; slot < workers; slot++)); do
  status=$(curl -s "http://127.0.0.1:$((base + slot))/status" || echo '{}')
  line="worker $slot:"
  for field in "${fields[@]}"; do
    value=$(echo "$status" | jq -r ".$field // 0")
    line+=" $field=$value"
  done
  echo "$line"
done
