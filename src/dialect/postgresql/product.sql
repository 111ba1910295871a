select case when to_regproc('aurora_version') is not null then 'Aurora'
            when current_setting('neon.timeline_id', true) is not null then 'Neon'
       end
